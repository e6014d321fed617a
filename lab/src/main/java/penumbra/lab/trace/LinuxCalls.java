// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.util.List;

/**
 * What a successful system call of amd64 Linux means for memory and for the files behind it, by the number of the
 * call. Calls that mean nothing for either are not listed.
 */
final class LinuxCalls {
    static final int CLONE = 56;
    static final int FORK = 57;
    static final int VFORK = 58;
    private static final int CLONE3 = 435;

    /** CLONE_VM, CLONE_VFORK and SIGCHLD: what vfork is short for. */
    private static final long VFORK_FLAGS = 0x4111;

    /** SIGCHLD: what fork is short for. */
    private static final long FORK_FLAGS = 0x11;

    private static final int F_DUPFD = 0;
    private static final int F_SETFD = 2;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FD_CLOEXEC = 1;
    private static final long O_CLOEXEC = 0x80000;

    /** close_range only marks the descriptors. */
    private static final long CLOSE_RANGE_CLOEXEC = 4;

    private LinuxCalls() {}

    /** Adds the entries that a successful call is recorded as, if any. */
    static void interpret(int number, String name, String text, long result, List<Entry> entries) {
        switch (number) {
            case 9, 10, 11, 12, 25, 26, 27, 28, 149, 150, 325 -> memory(number, new Arguments(text), result, entries);
            case 30, 67, 151, 152, 206, 216, 311, 323, 329, 440, 453, 462 ->
                entries.add(new Call.OtherMemoryCall(number, name, text, result));
            case 2, 3, 32, 33, 72, 80, 81, 85, 257, 292, 319, 436 ->
                descriptors(number, new Arguments(text), (int) result, entries);
            case CLONE -> entries.add(new Call.ThreadStart((int) result, new Arguments(text).hexadecimal(0)));
            case CLONE3 -> entries.add(new Call.ThreadStart((int) result, 0));
            default -> {}
        }
        KernelWrites.interpret(number, text, result, entries);
    }

    /** The fork that a line names by the number of the child. */
    static Call.Fork fork(int number, String text, int child) {
        long flags =
                switch (number) {
                    case CLONE -> new Arguments(text).hexadecimal(0);
                    case VFORK -> VFORK_FLAGS;
                    default -> FORK_FLAGS;
                };
        return new Call.Fork(child, flags, null);
    }

    private static void memory(int number, Arguments a, long result, List<Entry> entries) {
        entries.add(
                switch (number) {
                    case 9 ->
                        new Call.Mmap(
                                a.number(0),
                                a.number(1),
                                a.integer(2),
                                a.integer(3),
                                a.integer(4),
                                a.number(5),
                                result,
                                null);
                    case 10 -> new Call.Mprotect(a.number(0), a.number(1), a.integer(2));
                    case 11 -> new Call.Munmap(a.number(0), a.number(1));
                    case 12 -> new Call.Brk(a.number(0), result);
                    case 25 ->
                        new Call.Mremap(
                                a.number(0),
                                a.number(1),
                                a.number(2),
                                a.integer(3),
                                a.has(4) ? a.number(4) : 0,
                                result);
                    case 26 -> new Call.Msync(a.number(0), a.number(1), a.integer(2));
                    case 27 -> new Call.Mincore(a.number(0), a.number(1));
                    case 28 -> new Call.Madvise(a.number(0), a.number(1), a.integer(2));
                    case 150 -> new Call.Munlock(a.number(0), a.number(1));
                    default -> new Call.Mlock(a.number(0), a.number(1));
                });
    }

    private static void descriptors(int number, Arguments a, int result, List<Entry> entries) {
        int here = DescriptorChange.WORKING_DIRECTORY;
        switch (number) {
            case 2 -> entries.add(new DescriptorChange.Open(result, here, a.path(), has(a.number(1), O_CLOEXEC)));
            case 85 -> entries.add(new DescriptorChange.Open(result, here, a.path(), false));
            case 257 ->
                entries.add(new DescriptorChange.Open(result, a.integer(0), a.path(), has(a.number(2), O_CLOEXEC)));
            case 319 -> entries.add(new DescriptorChange.Close(result, result));
            case 3 -> entries.add(new DescriptorChange.Close(a.integer(0), a.integer(0)));
            case 436 -> {
                if (!has(a.number(2), CLOSE_RANGE_CLOEXEC)) {
                    // The last descriptor may be given as the largest unsigned number.
                    int last = (int) Math.min(a.number(1), Integer.MAX_VALUE);
                    entries.add(new DescriptorChange.Close(a.integer(0), last));
                }
            }
            case 32, 33 -> entries.add(new DescriptorChange.Duplicate(a.integer(0), result, false));
            case 292 -> entries.add(new DescriptorChange.Duplicate(a.integer(0), result, has(a.number(2), O_CLOEXEC)));
            case 72 -> control(a, result, entries);
            case 80 -> entries.add(new DescriptorChange.ChangeDirectory(here, a.path()));
            case 81 -> entries.add(new DescriptorChange.ChangeDirectory(a.integer(0), ""));
            default -> {}
        }
    }

    private static void control(Arguments a, int result, List<Entry> entries) {
        switch (a.integer(1)) {
            case F_DUPFD -> entries.add(new DescriptorChange.Duplicate(a.integer(0), result, false));
            case F_DUPFD_CLOEXEC -> entries.add(new DescriptorChange.Duplicate(a.integer(0), result, true));
            case F_SETFD -> entries.add(new DescriptorChange.CloseOnExec(a.integer(0), has(a.number(2), FD_CLOEXEC)));
            default -> {}
        }
    }

    private static boolean has(long flags, long flag) {
        return (flags & flag) != 0;
    }
}
