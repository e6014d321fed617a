// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import org.jspecify.annotations.Nullable;

/**
 * Something that a recorded process did to its memory between two references. Only calls that succeeded are recorded,
 * each at the moment of its result. Numbers (protections, flags, advice) are Linux's on amd64, lengths are as the
 * program gave them and need not be multiples of a page.
 */
public sealed interface Call extends Entry {

    /**
     * A mapping was made at {@code result}.
     *
     * @param address what the program asked for, 0 for anywhere
     * @param descriptor the file descriptor, -1 if none
     * @param offset offset in the file in bytes
     * @param path the file behind the descriptor; null for anonymous memory and for a descriptor of unknown origin
     */
    record Mmap(
            long address,
            long length,
            int protection,
            int flags,
            int descriptor,
            long offset,
            long result,
            @Nullable String path)
            implements Call {
        Mmap withPath(@Nullable String file) {
            return new Mmap(address, length, protection, flags, descriptor, offset, result, file);
        }
    }

    /** A range was unmapped. */
    record Munmap(long address, long length) implements Call {}

    /** A range was given another protection. */
    record Mprotect(long address, long length, int protection) implements Call {}

    /**
     * A mapping was resized, and lies at {@code result} now.
     *
     * @param target where the program wanted it, 0 unless the flags hold MREMAP_FIXED
     */
    record Mremap(long address, long oldLength, long newLength, int flags, long target, long result) implements Call {}

    /** The program asked for the break {@code requested} (0: only to know it); the break is {@code result} now. */
    record Brk(long requested, long result) implements Call {}

    /** Advice was given about a range. */
    record Madvise(long address, long length, int advice) implements Call {}

    /** A range was written back to its file. */
    record Msync(long address, long length, int flags) implements Call {}

    /** The residency of a range was asked for; the answer follows as a {@link KernelWrite}. */
    record Mincore(long address, long length) implements Call {}

    /** A range was locked in memory. */
    record Mlock(long address, long length) implements Call {}

    /** A range was unlocked. */
    record Munlock(long address, long length) implements Call {}

    /**
     * The process made a child.
     *
     * @param pid the child's number in the recording
     * @param flags clone's flags; {@link #SHARES_MEMORY} is set for vfork and posix_spawn
     * @param child the child's own part of the recording, null if there is none
     */
    record Fork(int pid, long flags, @Nullable RecordedProcess child) implements Call {
        /** Linux's CLONE_VM. */
        public static final long SHARES_MEMORY = 0x100;

        Fork withChild(@Nullable RecordedProcess process) {
            return new Fork(pid, flags, process);
        }
    }

    /** The process started a thread; its references follow among the others. */
    record ThreadStart(int tid, long flags) implements Call {}

    /**
     * A program begins in an address space of its own. Every process that does not continue a fork opens with this
     * call; later ones are execs that the recorder saw.
     *
     * @param command the program and its arguments, as Valgrind words them
     */
    record Exec(String command) implements Call {}

    /** The kernel wrote the result of a call into memory; {@code length} is at least 1. */
    record KernelWrite(long address, long length) implements Call {}

    /**
     * A call that changes memory in a way that this model of a recording has no words for.
     *
     * @param number the number of the call
     * @param name its name as Valgrind prints it
     * @param arguments its arguments as Valgrind prints them
     */
    record OtherMemoryCall(int number, String name, String arguments, long result) implements Call {}
}
