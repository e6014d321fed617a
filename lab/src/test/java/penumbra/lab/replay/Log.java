// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** One process's Lackey log in the making: references and successful calls of one thread. */
final class Log {
    static final int PAGE = 4096;
    static final int NONE = 0;
    static final int READ = 1;
    static final int RW = 3;
    static final int SHARED = 1;
    static final int PRIVATE = 2;
    static final int FIXED = 0x10;
    static final int ANONYMOUS = 0x20;

    private static final int NO_FILE = -1;

    private final int pid;
    private final StringBuilder text = new StringBuilder();

    private Log(int pid, int parent) {
        this.pid = pid;
        prefixed("Lackey, an example Valgrind tool");
        prefixed("Command: program");
        prefixed("Parent PID: " + parent);
        prefixed("");
    }

    /** A program that begins. */
    static Log fresh(int pid) {
        return new Log(pid, 1);
    }

    /** A process that goes on where its parent forked. */
    static Log forked(int pid, int parent) {
        Log log = new Log(pid, parent);
        log.line(" --> [pre-success] Success(0x0) ");
        return log;
    }

    private void prefixed(String line) {
        line("==" + pid + "== " + line);
    }

    Log line(String line) {
        text.append(line).append('\n');
        return this;
    }

    /** A call, with its number and name, that succeeded. */
    Log call(String call, long result) {
        return line(String.format("SYSCALL[%d,1]%s[sync] --> Success(0x%x) ", pid, call, result));
    }

    private Log reference(String kind, long address, int size) {
        return line(String.format("%s %08x,%d", kind, address, size));
    }

    Log load(long address, int size) {
        return reference(" L", address, size);
    }

    Log store(long address, int size) {
        return reference(" S", address, size);
    }

    Log modify(long address, int size) {
        return reference(" M", address, size);
    }

    /** A load of the first eight bytes of each of {@code pages} pages. */
    Log loadPages(long address, int pages) {
        return eachPage(" L", address, pages);
    }

    /** A store to the first eight bytes of each of {@code pages} pages. */
    Log storePages(long address, int pages) {
        return eachPage(" S", address, pages);
    }

    private Log eachPage(String kind, long address, int pages) {
        for (int i = 0; i < pages; i++) {
            reference(kind, address + (long) i * PAGE, Long.BYTES);
        }
        return this;
    }

    private Log mmap(long address, long length, int prot, int flags, int descriptor, long offset) {
        return call(
                String.format(
                        "(9) sys_mmap ( 0x%x, %d, %d, %d, %d, %d )",
                        address, length, prot, flags, Integer.toUnsignedLong(descriptor), offset),
                address);
    }

    /** Maps anonymous private memory. */
    Log map(long address, int pages) {
        return mapAnonymous(address, pages, RW, PRIVATE);
    }

    Log mapAnonymous(long address, int pages, int prot, int flags) {
        return mmap(address, (long) pages * PAGE, prot, flags | ANONYMOUS, NO_FILE, 0);
    }

    /** Opens {@code path} as {@code descriptor}. */
    Log open(String path, int descriptor) {
        return call("(257) sys_openat ( 4294967196, 0x1(" + path + "), 2 )", descriptor);
    }

    Log mapFile(long address, long length, int prot, int flags, int descriptor, long offset) {
        return mmap(address, length, prot, flags, descriptor, offset);
    }

    Log unmap(long address, int pages) {
        return call(String.format("(11) sys_munmap ( 0x%x, %d )", address, (long) pages * PAGE), 0);
    }

    Log protect(long address, int pages, int prot) {
        return call(String.format("(10) sys_mprotect ( 0x%x, %d, %d )", address, (long) pages * PAGE, prot), 0);
    }

    Log remap(long address, int pages, long target, int newPages) {
        return call(
                String.format(
                        "(25) sys_mremap ( 0x%x, %d, %d, 0x1 )", address, (long) pages * PAGE, (long) newPages * PAGE),
                target);
    }

    Log advise(long address, int pages, int advice) {
        return call(String.format("(28) sys_madvise ( 0x%x, %d, %d )", address, (long) pages * PAGE, advice), 0);
    }

    Log sync(long address, int pages, int flags) {
        return call(String.format("(26) sys_msync ( 0x%x, %d, 0x%x )", address, (long) pages * PAGE, flags), 0);
    }

    Log brk(long address) {
        return call(String.format("(12) sys_brk ( 0x%x )", address), address);
    }

    /** Forks {@code child}, which gets a copy of the memory. */
    Log fork(int child) {
        line(String.format("SYSCALL[%d,1](57) sys_fork ( )   fork: process %d created child %d", pid, pid, child));
        return line(String.format(" --> [pre-success] Success(0x%x) ", child));
    }

    /** Starts a child that borrows this memory until it execs or exits. */
    Log vfork(int child) {
        line(String.format("SYSCALL[%d,1](58) sys_fork ( )   fork: process %d created child %d", pid, pid, child));
        return line(String.format(" --> [pre-success] Success(0x%x) ", child));
    }

    /** Writes the log, with an orderly end, to {@code folder}. */
    Path write(Path folder) throws IOException {
        prefixed("");
        prefixed("Counted 0 calls to main()");
        prefixed("");
        prefixed("Exit code:       0");
        return Files.writeString(folder.resolve(pid + ".log"), text);
    }
}
