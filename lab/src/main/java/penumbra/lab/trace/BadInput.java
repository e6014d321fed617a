// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;

/**
 * An input that cannot be used, with the place and what was expected there. The message is one line, fit for the user
 * as it stands: {@code FILE:LINE: what is wrong}.
 */
public final class BadInput extends IOException {
    /** The longest piece of a foreign line that a message quotes, in characters. */
    private static final int QUOTED = 80;

    /** An input whose message says where the trouble is already. */
    public BadInput(String message) {
        super(message);
    }

    /** An input that is unusable as a whole. */
    public BadInput(String file, String problem) {
        super(file + ": " + problem);
    }

    /** An input that is unusable as a whole, because of something that went wrong below. */
    public BadInput(String file, String problem, Throwable cause) {
        super(file + ": " + problem, cause);
    }

    /** An input with an unusable line; lines are counted from 1. */
    public BadInput(String file, long line, String problem) {
        super(file + ":" + line + ": " + problem);
    }

    /** Text of an input made fit for a message: short, and without control characters. */
    static String quote(String text) {
        String shortened = text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "...";
        StringBuilder clean = new StringBuilder(shortened.length() + 2).append('\'');
        shortened.chars().forEach(c -> clean.append(Character.isISOControl(c) ? '?' : (char) c));
        return clean.append('\'').toString();
    }
}
