// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

/** What one {@link VmObjects#flush} did: filled in by it, used again for the next one. */
public final class PageoutFlush {
    private int written;
    private int runLength;
    private boolean ioError;

    /** How many pages were written or are being written. */
    public int written() {
        return written;
    }

    /** How many pages from the requested one on were dealt with; 0 when the pager put off even that one. */
    public int runLength() {
        return runLength;
    }

    /** Whether a page at or behind the requested one could not be written. */
    public boolean ioError() {
        return ioError;
    }

    /** Sets everything; for the object core. */
    public void set(int written, int runLength, boolean ioError) {
        this.written = written;
        this.runLength = runLength;
        this.ioError = ioError;
    }
}
