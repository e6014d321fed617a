// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The first place in which a step is not as expected.
 *
 * @param step the step's number
 * @param operation its line
 * @param path where in the state
 * @param expected what should be there; {@code nothing} when nothing should
 * @param found what is there
 */
public record Difference(int step, String operation, String path, String expected, String found) {
    /** Long values are cut here in messages. */
    private static final int SHOWN = 300;

    static @Nullable Difference between(int step, String operation, String path, JsonNode expected, JsonNode found) {
        if (expected.equals(found)) {
            return null;
        }
        if (expected.isObject() && found.isObject()) {
            Set<String> keys = new LinkedHashSet<>();
            expected.fieldNames().forEachRemaining(keys::add);
            found.fieldNames().forEachRemaining(keys::add);
            for (String key : keys) {
                @Nullable
                Difference difference = between(step, operation, path + "." + key, expected.path(key), found.path(key));
                if (difference != null) {
                    return difference;
                }
            }
        }
        if (expected.isArray() && found.isArray()) {
            for (int i = 0; i < Math.max(expected.size(), found.size()); i++) {
                @Nullable
                Difference difference = between(step, operation, path + "[" + i + "]", expected.path(i), found.path(i));
                if (difference != null) {
                    return difference;
                }
            }
        }
        // A number printed as int and read as long is the same number.
        if (expected.isIntegralNumber() && found.isIntegralNumber() && expected.longValue() == found.longValue()) {
            return null;
        }
        if (expected.isContainerNode() && found.isContainerNode() && expected.getNodeType() == found.getNodeType()) {
            return null;
        }
        return new Difference(step, operation, path, show(expected), show(found));
    }

    private static String show(JsonNode node) {
        String text = node.isMissingNode() ? "nothing" : node.toString();
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    @Override
    public String toString() {
        return "step " + step + " \"" + operation + "\": " + path + ": expected " + expected + ", found " + found;
    }
}
