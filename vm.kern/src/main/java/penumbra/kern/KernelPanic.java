// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.Locale;

/**
 * The end of the machine: a broken invariant of the kernel itself.
 *
 * <p>Nobody recovers from it: no lock is released and no state is repaired on the way up, so that the machine can be
 * inspected as it was. The thread that meets it hands it to the machine, which stops every CPU.
 */
public final class KernelPanic extends Error {
    private static final long serialVersionUID = 1L;

    /**
     * A panic whose message carries the values that broke the rule.
     *
     * @param format a {@link String#format} pattern that starts with the operation's name
     * @param values what to put into it; evaluated only here, so call this behind the failed test
     */
    public KernelPanic(String format, Object... values) {
        super(values.length == 0 ? format : String.format(Locale.ROOT, format, values));
    }

    /** A panic caused by an exception that no contract allows. */
    public KernelPanic(Throwable cause, String message) {
        super(message, cause);
    }
}
