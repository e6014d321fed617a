// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A value that can be set, under FreeBSD's name, and the configuration that keeps it. Truths are 0 and 1, as FreeBSD's
 * are.
 *
 * @param name FreeBSD's name of the value
 * @param pid the configuration
 * @param property the configuration's property
 * @param truth whether that is a truth, else it is a number
 * @param least the least value allowed
 * @param most the greatest value allowed
 * @param initial the value when nothing was configured
 */
record Tunable(String name, String pid, String property, boolean truth, int least, int most, int initial) {
    /** All of them; names, bounds and initial values as the components that they configure define them. */
    static final List<Tunable> ALL = List.of(
            truth("security.bsd.stack_guard_page", "penumbra.vm.map", "stackGuardPage", false),
            number("vfs.wantfreevnodes", "penumbra.vm.vnode", "unused.vnodes", 0, 65_536, 256),
            number("vm.max_wired", "penumbra.vm.map", "maxWiredPages", 0, Integer.MAX_VALUE, 0),
            truth("vm.old_msync", "penumbra.vm.object", "old.msync", false),
            number("vm.overcommit", "penumbra.vm.pager", "overcommit", 0, 7, 0),
            number("vm.swap_async_max", "penumbra.vm.pager", "swap.async.max", 1, 128, 4));

    private static Tunable truth(String name, String pid, String property, boolean initial) {
        return new Tunable(name, pid, property, true, 0, 1, initial ? 1 : 0);
    }

    private static Tunable number(String name, String pid, String property, int least, int most, int initial) {
        return new Tunable(name, pid, property, false, least, most, initial);
    }

    /** The value called {@code name}, if it is one of these. */
    static Optional<Tunable> of(String name) {
        return ALL.stream().filter(tunable -> tunable.name.equals(name)).findFirst();
    }

    /** What the configuration holds when the value is {@code value}. */
    Object toProperty(int value) {
        if (truth) {
            return value != 0;
        }
        return value;
    }

    /** The value when the configuration holds {@code stored}, in whatever way it was written; null for nothing. */
    long fromProperty(@Nullable Object stored) {
        if (stored == null) {
            return initial;
        }
        String text = stored.toString();
        if (truth) {
            return Boolean.parseBoolean(text) ? 1 : 0;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            // The component takes a value that it cannot read for none.
            return initial;
        }
    }
}
