// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** How far a write came and what stopped it. */
final class WriteOutcome {
    /** Bytes that the file took. */
    long written;

    /** Whether what was written will stay written, as far as was asked and is known. */
    boolean durable = true;

    /** What went wrong; null when nothing did. */
    @Nullable
    IOException failure;
}
