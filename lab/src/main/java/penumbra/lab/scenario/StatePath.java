// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place in the printed state: a name, then keys, places in lists and choices by key, as in {@code o1.pg[i=3].w} or
 * {@code P.pm[0=16][4]}.
 */
record StatePath(String text, String root, List<String> steps) {
    private static final Pattern ROOT = Pattern.compile("[A-Za-z0-9_]+");
    private static final Pattern STEP = Pattern.compile("\\.([A-Za-z]+)|\\[([A-Za-z0-9]+(?:=[^\\]=]+)?)\\]");

    static StatePath parse(String text) {
        Matcher root = ROOT.matcher(text);
        if (!root.lookingAt()) {
            throw bad(text);
        }
        List<String> steps = new ArrayList<>();
        Matcher step = STEP.matcher(text).region(root.end(), text.length());
        int at = root.end();
        while (at < text.length()) {
            if (!step.lookingAt()) {
                throw bad(text);
            }
            steps.add(step.group(1) == null ? step.group(2) : step.group(1));
            at = step.end();
            step.region(at, text.length());
        }
        return new StatePath(text, root.group(), steps);
    }

    private static BadScript bad(String text) {
        return new BadScript("\"" + text + "\": expected a place in the state, as o1.ref, P.ent[0].w or o1.pg[i=3].d");
    }

    /** What is there, below the state that {@link #root} names. */
    JsonNode in(JsonNode state) {
        JsonNode node = state;
        for (String step : steps) {
            int equals = step.indexOf('=');
            if (equals >= 0) {
                node = element(node, step.substring(0, equals), step.substring(equals + 1));
            } else {
                node = below(node, step);
            }
        }
        return node;
    }

    private static JsonNode below(JsonNode node, String key) {
        return node.isArray() && Character.isDigit(key.charAt(0)) ? node.path(Integer.parseInt(key)) : node.path(key);
    }

    private static JsonNode element(JsonNode list, String key, String value) {
        for (JsonNode element : list) {
            if (below(element, key).asText().equals(value)) {
                return element;
            }
        }
        return MissingNode.getInstance();
    }
}
