// SPDX-License-Identifier: BSD-2-Clause
package penumbra.inspect;

import org.jspecify.annotations.Nullable;

/**
 * A command at the prompt that could not be done, and in one line why: where the trouble is and what was expected.
 *
 * <p>Its text form is that line alone, since this is what a shell prints of an exception.
 */
public final class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param line the command's name, a colon, and why it failed */
    public CommandFailure(String line) {
        this(line, null);
    }

    /** A failure that has its cause in another one. */
    public CommandFailure(String line, @Nullable Throwable cause) {
        super(line, cause);
    }

    @Override
    public String toString() {
        return String.valueOf(getMessage());
    }
}
