// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The system calls of one process on its memory ({@code vm_mmap.c}): what its address space does, with the checks and
 * limits that bind programs. Addresses and lengths are bytes of any value, flags and kinds are FreeBSD's numbers.
 *
 * <p>Each call locks the space itself and may block; the caller holds no lock. A call that is refused has changed
 * nothing, unless it says otherwise.
 */
@ProviderType
public interface MemoryCalls {
    /** mmap: changes are seen by everybody who maps the same. */
    int MAP_SHARED = 0x1;

    /** mmap: changes are the process's own. */
    int MAP_PRIVATE = 0x2;

    /** mmap: at this address and no other, in place of what is there. */
    int MAP_FIXED = 0x10;

    /** mmap: memory that grows down from the end of the range. */
    int MAP_STACK = 0x400;

    /** mmap: periodic syncs leave it alone. */
    int MAP_NOSYNC = 0x800;

    /** mmap: memory without a file. */
    int MAP_ANON = 0x1000;

    /** mmap: left out of dumps. */
    int MAP_NOCORE = 0x2_0000;

    /** mmap: map what is resident at once. */
    int MAP_PREFAULT_READ = 0x4_0000;

    /** msync: return before the pages are written. */
    int MS_ASYNC = 1;

    /** msync: forget the pages afterwards. */
    int MS_INVALIDATE = 2;

    /** mlockall: what is mapped now. */
    int MCL_CURRENT = 1;

    /** mlockall: what will be mapped. */
    int MCL_FUTURE = 2;

    /**
     * Maps a file or anonymous memory.
     *
     * @param address where, or a hint where
     * @param file null for anonymous memory
     * @param offset in the file, in bytes
     * @return EINVAL for arguments that do not go together, EACCES for more than the file was opened for, ENOMEM beyond
     *     a limit or without room
     */
    Placement mmap(long address, long length, int prot, int flags, @Nullable OpenFile file, long offset);

    /** Unmaps. EINVAL for an empty or unaligned range or one outside the address space. */
    Errno munmap(long address, long length);

    /**
     * Changes protection. EACCES beyond the maximum, ENOMEM without swap for what becomes writeable, EINVAL otherwise.
     */
    Errno mprotect(long address, long length, int prot);

    /** Changes what children get; {@code inheritance} is 0 to share, 1 to copy, 2 for nothing. EINVAL for any other. */
    Errno minherit(long address, long length, int inheritance);

    /**
     * Takes advice, 0 to 9 in the order of {@link penumbra.page.Advice}. EINVAL for any other, or outside the address
     * space.
     */
    Errno madvise(long address, long length, int advice);

    /**
     * Writes changes of files back. EINVAL for {@link #MS_ASYNC} and {@link #MS_INVALIDATE} together, ENOMEM where
     * something is not mapped, EBUSY when pages that are to be forgotten are wired, EIO when a page could not be
     * written.
     */
    Errno msync(long address, long length, int flags);

    /** Which pages are in memory, a byte a page; ENOMEM where something is not mapped. */
    Errno mincore(long address, long length, byte[] states);

    /**
     * Wires. EINVAL for a range that wraps, ENOMEM beyond {@link Limit#MEMLOCK} or where something is not mapped or
     * cannot be made resident, EAGAIN when the machine would have too many wired pages ({@code vm.max_wired}).
     */
    Errno mlock(long address, long length);

    /** Ends {@link #mlock}; ENOMEM where something is not mapped. */
    Errno munlock(long address, long length);

    /**
     * Wires everything that is mapped, or will be. EINVAL for other bits, ENOMEM beyond {@link Limit#MEMLOCK}, EAGAIN
     * when something cannot be made resident.
     */
    Errno mlockall(int how);

    /** Ends {@link #mlockall} and every {@link #mlock}. */
    Errno munlockall();
}
