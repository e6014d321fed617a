// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import org.jspecify.annotations.Nullable;

/** Whether calls stay within user memory, wherever they were read from. */
final class CallLimits {
    private CallLimits() {}

    /** What is impossible about an entry, null if nothing is. */
    static @Nullable String problem(Entry entry) {
        if (entry instanceof Call.Mmap c) {
            return range(c.result(), c.length());
        } else if (entry instanceof Call.Munmap c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.Mprotect c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.Mremap c) {
            String old = range(c.address(), c.oldLength());
            return old != null ? old : range(c.result(), c.newLength());
        } else if (entry instanceof Call.Brk c) {
            return range(c.result(), 0);
        } else if (entry instanceof Call.Madvise c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.Msync c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.Mincore c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.Mlock c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.Munlock c) {
            return range(c.address(), c.length());
        } else if (entry instanceof Call.KernelWrite c) {
            return range(c.address(), c.length());
        }
        return null;
    }

    private static @Nullable String range(long address, long length) {
        boolean inside = address >= 0
                && length >= 0
                && address <= Reference.ADDRESS_LIMIT
                && length <= Reference.ADDRESS_LIMIT - address;
        return inside
                ? null
                : "a range of 0x" + Long.toHexString(length) + " bytes at 0x" + Long.toHexString(address)
                        + " where one within 47 bits was expected";
    }
}
