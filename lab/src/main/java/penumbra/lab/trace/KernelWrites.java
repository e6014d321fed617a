// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.util.List;

/**
 * Which memory the kernel of amd64 Linux wrote in a successful call, as far as arguments and result tell: the address
 * is one of the arguments, the size is the result or the size of a structure. Calls that find the size in memory
 * themselves (vectors of buffers, socket addresses) are unknown and left out.
 */
final class KernelWrites {
    private static final int STAT = 144;
    private static final int STATX = 256;
    private static final int STATFS = 120;
    private static final int SIGACTION = 32;
    private static final int SIGSTACK = 24;
    private static final int RUSAGE = 144;
    private static final int RLIMIT = 16;
    private static final int SIGINFO = 128;
    private static final int UTSNAME = 390;
    private static final int SYSINFO = 112;
    private static final int TIME = 8;
    private static final int TIMESPEC = 16;
    private static final int TIMER = 32;
    private static final int POLL = 8;
    private static final int EPOLL = 12;
    private static final int INT = 4;
    private static final int LONG = 8;
    private static final int PAGE = 4096;

    /** Linux's CLONE_PARENT_SETTID. */
    private static final long PARENT_SETTID = 0x100000;

    private static final int ARCH_GET_FS = 0x1003;
    private static final int ARCH_GET_GS = 0x1004;

    /** Terminal requests from the time before requests told their size; the sizes are those of Linux's structures. */
    private static final int TCGETS = 0x5401;

    private static final int TIOCGPGRP = 0x540f;
    private static final int TIOCGWINSZ = 0x5413;
    private static final int FIONREAD = 0x541b;
    private static final int TERMIOS = 36;
    private static final int WINSIZE = 8;

    /** The direction bit of a request that the kernel answers, and where the size of the answer is. */
    private static final long IOC_READ = 0x80000000L;

    private static final int IOC_SIZE_SHIFT = 16;
    private static final int IOC_SIZE_MASK = 0x3fff;

    private final Arguments arguments;
    private final List<Entry> entries;

    private KernelWrites(Arguments arguments, List<Entry> entries) {
        this.arguments = arguments;
        this.entries = entries;
    }

    /** Adds what the call wrote, if anything is known of it. */
    static void interpret(int number, String text, long result, List<Entry> entries) {
        switch (number) {
            case 0, 17, 45, 78, 89, 217 -> of(text, entries).filled(result);
            case 79, 318 -> of(text, entries).wrote(0, result);
            case 204, 267 -> of(text, entries).wrote(2, result);
            case 4, 5, 6 -> of(text, entries).wrote(1, STAT);
            case 262 -> of(text, entries).wrote(2, STAT);
            case 332 -> of(text, entries).wrote(4, STATX);
            case 137, 138 -> of(text, entries).wrote(1, STATFS);
            case 13 -> of(text, entries).wrote(2, SIGACTION);
            case 14 -> of(text, entries).sized(2, 3, 1);
            case 127 -> of(text, entries).sized(0, 1, 1);
            case 131 -> of(text, entries).wrote(1, SIGSTACK);
            case 22, 293 -> of(text, entries).wrote(0, 2 * INT);
            case 53 -> of(text, entries).wrote(3, 2 * INT);
            case 36 -> of(text, entries).wrote(1, TIMER);
            case 38 -> of(text, entries).wrote(2, TIMER);
            case 63 -> of(text, entries).wrote(0, UTSNAME);
            case 97 -> of(text, entries).wrote(1, RLIMIT);
            case 302 -> of(text, entries).wrote(3, RLIMIT);
            case 98 -> of(text, entries).wrote(1, RUSAGE);
            case 99 -> of(text, entries).wrote(0, SYSINFO);
            case 100 -> of(text, entries).wrote(0, 4 * LONG);
            case 201 -> of(text, entries).wrote(0, TIME);
            case 228, 229 -> of(text, entries).wrote(1, TIMESPEC);
            case 247 -> of(text, entries).wrote(2, SIGINFO);
            case 7, 271 -> of(text, entries).sized(0, 1, POLL);
            case 232, 281 -> of(text, entries).wrote(1, result * EPOLL);
            case 115 -> of(text, entries).wrote(1, result * INT);
            case 40 -> of(text, entries).wrote(2, LONG);
            default -> severalOrDepending(number, text, result, entries);
        }
    }

    private static void severalOrDepending(int number, String text, long result, List<Entry> entries) {
        switch (number) {
            case 16 -> of(text, entries).answered();
            case 23, 270 -> of(text, entries).selected();
            case 27 -> of(text, entries).residency();
            case LinuxCalls.CLONE -> of(text, entries).threadNumber();
            case 61 -> {
                if (result != 0) {
                    of(text, entries).wrote(1, INT);
                    of(text, entries).wrote(3, RUSAGE);
                }
            }
            case 96 -> {
                of(text, entries).wrote(0, TIMESPEC);
                of(text, entries).wrote(1, 2 * INT);
            }
            case 118, 120 -> {
                of(text, entries).wrote(0, INT);
                of(text, entries).wrote(1, INT);
                of(text, entries).wrote(2, INT);
            }
            case 158 -> of(text, entries).segmentBase();
            case 309 -> {
                of(text, entries).wrote(0, INT);
                of(text, entries).wrote(1, INT);
            }
            case 326 -> {
                of(text, entries).wrote(1, LONG);
                of(text, entries).wrote(3, LONG);
            }
            default -> {}
        }
    }

    private static KernelWrites of(String text, List<Entry> entries) {
        return new KernelWrites(new Arguments(text), entries);
    }

    private void wrote(int pointer, long length) {
        if (arguments.has(pointer)) {
            wroteAt(arguments.number(pointer), length);
        }
    }

    private void wroteAt(long address, long length) {
        if (address != 0 && length > 0) {
            entries.add(new Call.KernelWrite(address, length));
        }
    }

    /** A buffer with its size behind it; some calls tell the size of what did not fit. */
    private void filled(long result) {
        wrote(1, Math.min(result, arguments.number(2)));
    }

    /** The size is an argument too, in units. */
    private void sized(int pointer, int count, int unit) {
        wrote(pointer, arguments.number(count) * unit);
    }

    private void answered() {
        long request = arguments.number(1) & 0xffffffffL;
        if (request == TCGETS) {
            wrote(2, TERMIOS);
        } else if (request == TIOCGWINSZ) {
            wrote(2, WINSIZE);
        } else if (request == TIOCGPGRP || request == FIONREAD) {
            wrote(2, INT);
        } else if ((request & IOC_READ) != 0) {
            wrote(2, request >>> IOC_SIZE_SHIFT & IOC_SIZE_MASK);
        }
    }

    private void selected() {
        long bytes = (arguments.number(0) + Long.SIZE - 1) / Long.SIZE * Long.BYTES;
        for (int set = 1; set <= 3; set++) {
            wrote(set, bytes);
        }
    }

    private void residency() {
        wrote(2, (arguments.number(1) + PAGE - 1) / PAGE);
    }

    private void threadNumber() {
        if ((arguments.hexadecimal(0) & PARENT_SETTID) != 0) {
            wrote(2, INT);
        }
    }

    private void segmentBase() {
        long code = arguments.number(0);
        if (code == ARCH_GET_FS || code == ARCH_GET_GS) {
            wroteAt(arguments.hexadecimal(1), LONG);
        }
    }
}
