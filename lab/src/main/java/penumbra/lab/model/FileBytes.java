// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

/** The contents of a file as they were before anything was stored, for the model alone. Any thread may ask. */
public interface FileBytes {
    /**
     * Copies bytes of the file; whatever lies behind its end is zero.
     *
     * @param offset offset in the file in bytes, a multiple of {@link ContentModel#PAGE_SIZE}
     */
    void read(long offset, byte[] into, int at, int length);
}
