// SPDX-License-Identifier: BSD-2-Clause
package penumbra.inspect;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an invariants check found, in the order found; the first 1,000 are kept, the rest counted. Not thread-safe. */
public final class Violations {
    /** Enough to see a pattern; a broken machine could report one a page. */
    private static final int LIMIT = 1_000;

    private final List<String> messages = new ArrayList<>();
    private int count;

    /** Reports a violation; {@code format} and {@code values} as in {@link String#format}. */
    public void report(String format, @Nullable Object... values) {
        if (count++ < LIMIT) {
            messages.add(String.format(java.util.Locale.ROOT, format, values));
        }
    }

    /** Whether nothing was found. */
    public boolean isEmpty() {
        return count == 0;
    }

    /** How many were found. */
    public int count() {
        return count;
    }

    /** The messages that were kept. */
    public List<String> messages() {
        return Collections.unmodifiableList(messages);
    }
}
