// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.io.InputStream;

/** Where the encoded contents of one process can be read, as often as needed. */
interface Segment {
    /** A new stream over the encoded bytes, in the form of {@link TraceFormat}. */
    InputStream open() throws IOException;
}
