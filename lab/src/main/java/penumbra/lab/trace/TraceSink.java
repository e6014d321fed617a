// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;

/** Where the contents of a log go, in order. */
interface TraceSink {
    /** Takes packed references; the array belongs to the caller again when the method returns. */
    void references(long[] references, int count) throws IOException;

    /** Takes what stands between references. */
    void entry(Entry entry) throws IOException;
}
