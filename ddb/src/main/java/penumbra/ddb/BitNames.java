// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;

/** The names of the bits of a flag word. */
final class BitNames {
    private final Map<Integer, String> names = new LinkedHashMap<>();

    /** Names a bit; returns itself. */
    BitNames name(int bit, String name) {
        names.put(bit, name);
        return this;
    }

    /** The names of those of {@code bits} that are set, in angle brackets after a space; empty when none is. */
    String of(int bits) {
        StringJoiner set = new StringJoiner(",", " <", ">").setEmptyValue("");
        names.forEach((bit, name) -> {
            if ((bits & bit) != 0) {
                set.add(name);
            }
        });
        return set.toString();
    }
}
