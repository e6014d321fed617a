// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;

/**
 * One operation of the script language.
 *
 * @param name the first word of its lines
 * @param usage its line with all arguments
 * @param action what it does; answers what the step's {@code ret} shows
 */
record Operation(String name, String usage, Action action) {
    /** The work of an operation. */
    @FunctionalInterface
    interface Action {
        JsonNode run(Arguments arguments);
    }

    static Operation of(String usage, Action action) {
        int space = usage.indexOf(' ');
        return new Operation(space < 0 ? usage : usage.substring(0, space), usage, action);
    }

    /** Whether its line may have {@code words} words after the name; words in brackets may be left out. */
    boolean takes(int words) {
        String[] all = usage.split(" ");
        long optional = Arrays.stream(all).filter(word -> word.startsWith("[")).count();
        return words <= all.length - 1 && words >= all.length - 1 - optional;
    }

    JsonNode run(Arguments arguments) {
        return action.run(arguments);
    }
}
