// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a command says, line by line; the first lines are kept, the rest counted. Not thread-safe. */
final class Answer {
    /** As many lines as one can search at a terminal; a machine may have a line to say of each of a million pages. */
    static final int LIMIT = 1_000;

    private final StringBuilder text = new StringBuilder();
    private int lines;

    /** Adds a line; {@code format} and {@code values} as in {@link String#format}. */
    void line(String format, @Nullable Object... values) {
        if (lines++ < LIMIT) {
            if (lines > 1) {
                text.append('\n');
            }
            text.append(String.format(Locale.ROOT, format, values));
        }
    }

    /** How many lines were added. */
    int lines() {
        return lines;
    }

    /** The lines, and how many more there were. */
    @Override
    public String toString() {
        return lines <= LIMIT ? text.toString() : text + "\n... and " + (lines - LIMIT) + " more lines";
    }
}
