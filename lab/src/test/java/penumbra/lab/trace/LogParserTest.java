// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.lab.trace.Logs.parse;
import static penumbra.lab.trace.Logs.parseLines;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Every form of line that Lackey writes. */
class LogParserTest {
    private static String call(String text) {
        return "SYSCALL[100,1]" + text;
    }

    @Test
    void referencesOfEveryKind() throws IOException {
        assertThat(parseLines("I  0401ab70,3", " L 1fff000768,8", " S 04035000,16", " M 7ffffffffff0,16"))
                .containsExactly("I 401ab70,3", "L 1fff000768,8", "S 4035000,16", "M 7ffffffffff0,16");
    }

    @Test
    void addressesOfAnyLengthAndAllDigits() throws IOException {
        assertThat(parseLines(" L 0,1", " L 89abcdef,9", " L 123456789abc,512", " L 1234567,4096", " S 00000000,1"))
                .containsExactly("L 0,1", "L 89abcdef,9", "L 123456789abc,512", "L 1234567,4096", "S 0,1");
    }

    @Test
    void aProgramBeginsWithItsCommand() throws IOException {
        assertThat(parse(Logs.fresh(100, "sh -c seq\\ 1\\ 500", "I  04000000,1")))
                .containsExactly("Exec[command=sh -c seq\\ 1\\ 500]", "I 4000000,1");
    }

    @Test
    void aContinuedForkBeginsInTheMiddle() throws IOException {
        assertThat(parse(Logs.continued(101, 100, "I  04000000,1"))).containsExactly("I 4000000,1");
    }

    @Test
    void resultsOnTheSameLine() throws IOException {
        assertThat(parseLines(
                        call("(12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000) "),
                        call("(10) sys_mprotect ( 0x4a42000, 16384, 1 )[sync] --> Success(0x0) "),
                        call("(11) sys_munmap ( 0x483c000, 34547 )[sync] --> Success(0x0) "),
                        call("(9) sys_mmap ( 0x0, 34547, 1, 2, 4294967295, 0 ) --> [pre-success] Success(0x483c000) ")))
                .containsExactly(
                        "Brk[requested=0, result=67325952]",
                        "Mprotect[address=77864960, length=16384, protection=1]",
                        "Munmap[address=75743232, length=34547]",
                        "Mmap[address=0, length=34547, protection=1, flags=2, descriptor=-1, offset=0, result=75743232,"
                                + " path=null]");
    }

    @Test
    void resultsOnTheNextLine() throws IOException {
        assertThat(parseLines(
                        call("(334) unimplemented (by the kernel) syscall: 334! (ni_syscall)"),
                        " --> [pre-fail] Failure(0x26) ",
                        "I  04000000,1",
                        call("(7) sys_poll ( 0x1fff000620, 2, 0 )"),
                        " --> [async] ... ",
                        call("(7) ... [async] --> Success(0x2) ")))
                .containsExactly("I 4000000,1", "KernelWrite[address=137422177824, length=16]");
    }

    @Test
    void resultsOnALaterLineOfTheSameThread() throws IOException {
        assertThat(parseLines(
                        call("(28) sys_madvise ( 0x1000, 4096, 4 ) --> [async] ... "),
                        "SYSCALL[100,2](149) sys_mlock ( 0x2000, 8192 ) --> [async] ... ",
                        "I  04000000,1",
                        "SYSCALL[100,2](149) ... [async] --> Success(0x0) ",
                        call("(28) ... [async] --> Success(0x0) ")))
                .containsExactly(
                        "I 4000000,1",
                        "Mlock[address=8192, length=8192]",
                        "Madvise[address=4096, length=4096, advice=4]");
    }

    @Test
    void aResultMayNeverCome() throws IOException {
        assertThat(parseLines(
                        call("(61) sys_wait4 ( 4294967295, 0x1000, 0, 0x0 ) --> [async] ... "),
                        call("(15) sys_rt_sigreturn ( ) --> [pre-success] NoWriteResult"),
                        call("(61) sys_wait4 ( 4294967295, 0x1000, 1, 0x2000 ) --> [async] ... "),
                        call("(61) ... [async] --> Success(0x28c9) "),
                        call("(61) sys_wait4 ( 4294967295, 0x1000, 1, 0x2000 ) --> [async] ... "),
                        call("(61) ... [async] --> Success(0x0) ")))
                .containsExactly("KernelWrite[address=4096, length=4]", "KernelWrite[address=8192, length=144]");
    }

    @Test
    void failedCallsChangeNothing() throws IOException {
        assertThat(parseLines(
                        call(
                                "(9) sys_mmap ( 0x0, 18446744073709547520, 3, 34, 4294967295, 0 ) --> [pre-fail] Failure(0x16) "),
                        call("(0) sys_read ( 4, 0x1000, 832 ) --> [async] ... "),
                        call("(0) ... [async] --> Failure(0x4) "),
                        call(
                                "(59) sys_execve ( 0x10a022(/no/such), 0x1fff000560, 0x1fff000788 ) --> [pre-fail] Failure(0x2) "),
                        call("(11) sys_munmap ( 0x1000, 4096 )[sync] --> Failure(0x16) ")))
                .isEmpty();
    }

    @Test
    void everyMemoryCall() throws IOException {
        assertThat(parseLines(
                        call(
                                "(25) sys_mremap ( 0x4ba5000, 163840, 167936, 0x1 ) --> [pre-success] Success(0x4c1d000) "),
                        call("(25) sys_mremap ( 0x1000, 4096, 4096, 0x3, 0x9000 ) --> [pre-success] Success(0x9000) "),
                        call("(26) sys_msync ( 0x5a2c000, 65536, 0x4 ) --> [async] ... "),
                        call("(26) ... [async] --> Success(0x0) "),
                        call("(27) sys_mincore ( 0x5a2c000, 65537, 0x1fff000630 )[sync] --> Success(0x0) "),
                        call("(150) sys_munlock ( 0x5a2c000, 4096 )[sync] --> Success(0x0) "),
                        call("(325) sys_mlock2 ( 0x5a2c000, 4096, 0 )[sync] --> Success(0x0) "),
                        call("(30) sys_shmat ( 0, 0x0, 0 )[sync] --> Success(0x483e000) ")))
                .containsExactly(
                        "Mremap[address=79319040, oldLength=163840, newLength=167936, flags=1, target=0, result=79810560]",
                        "Mremap[address=4096, oldLength=4096, newLength=4096, flags=3, target=36864, result=36864]",
                        "Msync[address=94552064, length=65536, flags=4]",
                        "Mincore[address=94552064, length=65537]",
                        "KernelWrite[address=137422177840, length=17]",
                        "Munlock[address=94552064, length=4096]",
                        "Mlock[address=94552064, length=4096]",
                        "OtherMemoryCall[number=30, name=sys_shmat, arguments= 0, 0x0, 0 , result=75751424]");
    }

    @Test
    void oddNames() throws IOException {
        assertThat(parseLines(
                        call("(231) exit_group( 0 ) --> [pre-success] Success(0x0) "),
                        call("(110) sys_getppid ()[sync] --> Success(0x1) "),
                        call("(230) sys_clock_nanosleep( 0, 0, 0x5229ea0, 0x0 ) --> [async] ... "),
                        call("(230) ... [async] --> Success(0x0) "),
                        call("(72) sys_fcntl[ARG3=='arg'] ( 4, 0, 70 )[sync] --> Success(0x46) "),
                        call("(72) sys_fcntl[ARG3=='arg'] ( 4, 1030, 80 )[sync] --> Success(0x50) "),
                        call("(72) sys_fcntl[ARG3=='arg'] ( 4, 2, 1 )[sync] --> Success(0x0) "),
                        call("(72) sys_fcntl ( 4, 1 )[sync] --> Success(0x1) "),
                        call("(8) sys_lseek ( 4, -5, 2 )[sync] --> Success(0xfffb) ")))
                .containsExactly(
                        "Duplicate[descriptor=4, copy=70, closeOnExec=false]",
                        "Duplicate[descriptor=4, copy=80, closeOnExec=true]",
                        "CloseOnExec[descriptor=4, closeOnExec=true]");
    }

    @Test
    void filesAndDescriptors() throws IOException {
        assertThat(parseLines(
                        call("(257) sys_openat ( 4294967196, 0x4034bb0(/lib/libc.so.6), 524288 ) --> [async] ... "),
                        call("(257) ... [async] --> Success(0x4) "),
                        call("(257) sys_openat ( 7, 0x10a011(sh.bin), 578, 384 )[sync] --> Success(0x5) "),
                        call("(2) sys_open ( 0x10a011(/etc/a b, (c)), 0 )[sync] --> Success(0x6) "),
                        call("(3) sys_close ( 4 )[sync] --> Success(0x0) "),
                        call("(436) sys_close_range ( 50, 4294967295, 0 ) --> [pre-success] Success(0x0) "),
                        call("(32) sys_dup ( 5 )[sync] --> Success(0x8) "),
                        call("(33) sys_dup2 ( 5, 60 )[sync] --> Success(0x3c) "),
                        call("(292) sys_dup3 ( 5, 90, 0x80000 )[sync] --> Success(0x5a) "),
                        call("(80) sys_chdir ( 0x10a052(/tmp) )[sync] --> Success(0x0) "),
                        call("(81) sys_fchdir ( 7 )[sync] --> Success(0x0) ")))
                .containsExactly(
                        "Open[descriptor=4, directory=-100, path=/lib/libc.so.6, closeOnExec=true]",
                        "Open[descriptor=5, directory=7, path=sh.bin, closeOnExec=false]",
                        "Open[descriptor=6, directory=-100, path=/etc/a b, (c), closeOnExec=false]",
                        "Close[first=4, last=4]",
                        "Close[first=50, last=2147483647]",
                        "Duplicate[descriptor=5, copy=8, closeOnExec=false]",
                        "Duplicate[descriptor=5, copy=60, closeOnExec=false]",
                        "Duplicate[descriptor=5, copy=90, closeOnExec=true]",
                        "ChangeDirectory[directory=-100, path=/tmp]",
                        "ChangeDirectory[directory=7, path=]");
    }

    @Test
    void aPathMayContainLineEndsAndMarks() throws IOException {
        assertThat(
                        parseLines(
                                call(
                                        "(257) sys_openat ( 4294967196, 0x10a004(/tmp/new\nline), 66, 384 ) --> [async] ... "),
                                call("(257) ... [async] --> Success(0x4) "),
                                call(
                                        "(257) sys_openat ( 4294967196, 0x10a01f(/tmp/a) --> b), 66, 384 )[sync] --> Success(0x5) ")))
                .containsExactly(
                        "Open[descriptor=4, directory=-100, path=/tmp/new\nline, closeOnExec=false]",
                        "Open[descriptor=5, directory=-100, path=/tmp/a) --> b, closeOnExec=false]");
    }

    @Test
    void forksAndThreads() throws IOException {
        assertThat(parseLines(
                        call(
                                "(56) sys_clone ( 1200011, 0x0, 0x0, 0x4a27a10, 0x0 )   clone(fork): process 100 created child 101"),
                        " --> [pre-success] Success(0x65) ",
                        call(
                                "(56) sys_clone ( 4111, 0x5a54ff0, 0x0, 0x0, 0x0 )   clone(fork): process 100 created child 102"),
                        " --> [pre-success] Success(0x66) ",
                        call("(58) sys_fork ( )   fork: process 100 created child 103"),
                        " --> [pre-success] Success(0x67) ",
                        call("(57) sys_fork ( )   fork: process 100 created child 104"),
                        " --> [pre-success] Success(0x68) ",
                        call("(56) sys_clone ( 3d0f00, 0x5229f70, 0x522a990, 0x522a990, 0x522a6c0 )"
                                + " --> [pre-success] Success(0x135c) ")))
                .containsExactly(
                        "Fork[pid=101, flags=18874385, child=null]",
                        "Fork[pid=102, flags=16657, child=null]",
                        "Fork[pid=103, flags=16657, child=null]",
                        "Fork[pid=104, flags=17, child=null]",
                        "ThreadStart[tid=4956, flags=4001536]",
                        "KernelWrite[address=86157712, length=4]");
    }

    @Test
    void anotherThreadMayPrintIntoTheEndOfALine() throws IOException {
        assertThat(parseLines(
                        call(
                                "(56) sys_clone ( 3d0f00, 0x1, 0x0, 0x0, 0x0 ) --> [pre-success] Success(0x135d) I  0494db42,3"),
                        "I  0494db45,2",
                        "",
                        call(
                                "(24) sched_yield() --> [async] ... SYSCALL[100,2](11) sys_munmap ( 0x1000, 1 )[sync] --> Success(0x0) "),
                        "",
                        "I  0494db47,1"))
                .containsExactly(
                        "ThreadStart[tid=4957, flags=4001536]",
                        "I 494db42,3",
                        "I 494db45,2",
                        "Munmap[address=4096, length=1]",
                        "I 494db47,1");
    }

    @Test
    void valgrindsOwnWordsAnywhere() throws IOException {
        assertThat(parseLines(
                        "I  04000000,1",
                        "--100-- WARNING: something",
                        "**100** a program's own message",
                        call("(999) --100-- WARNING: unhandled amd64-linux syscall: 999"),
                        "--100-- You may be able to write your own handler.",
                        " --> [pre-fail] Failure(0x26) ",
                        "==100== ",
                        "==100== Process terminating with default action of signal 11 (SIGSEGV)",
                        "==100==    at 0x1095CC: main (in /tmp/odd)",
                        "I  04000001,1"))
                .containsExactly("I 4000000,1", "I 4000001,1");
    }

    @Test
    void whatTheKernelWrites() throws IOException {
        assertThat(
                        parseLines(
                                call("(0) sys_read ( 4, 0x1000, 832 )[sync] --> Success(0x340) "),
                                call("(0) sys_read ( 4, 0x1000, 832 )[sync] --> Success(0x0) "),
                                call("(45) sys_recvfrom ( 8, 0x1000, 10, 32, 0x0, 0x0 )[sync] --> Success(0x50) "),
                                call("(17) sys_pread64 ( 4, 0x1000, 784, 64 )[sync] --> Success(0x310) "),
                                call("(262) sys_newfstatat ( 4, 0x4029c99(), 0x1000 )[sync] --> Success(0x0) "),
                                call(
                                        "(332) sys_statx ( 4294967196, 0x1(/x), 2048, 4095, 0x1000 )[sync] --> Success(0x0) "),
                                call("(318) sys_getrandom ( 0x1000, 8, 1 )[sync] --> Success(0x8) "),
                                call("(13) sys_rt_sigaction ( 2, 0x0, 0x1000, 8 ) --> [pre-success] Success(0x0) "),
                                call("(13) sys_rt_sigaction ( 2, 0x1000, 0x0, 8 ) --> [pre-success] Success(0x0) "),
                                call("(14) sys_rt_sigprocmask ( 0, 0x0, 0x1000, 8 ) --> [pre-success] Success(0x0) "),
                                call("(302) sys_prlimit64 ( 0, 3, 0x0, 0x1000 ) --> [pre-success] Success(0x0) "),
                                call("(204) sched_getaffinity ( 0, 128, 0x1000 )[sync] --> Success(0x20) "),
                                call("(293) sys_pipe2 ( 0x1000, 0x0 )[sync] --> Success(0x0) "),
                                call("(16) sys_ioctl ( 1, 0x5401, 0x1000 )[sync] --> Success(0x0) "),
                                call("(16) sys_ioctl ( 1, 0x80045430, 0x1000 )[sync] --> Success(0x0) "),
                                call("(16) sys_ioctl ( 1, 0x5402, 0x1000 )[sync] --> Success(0x0) "),
                                call("(23) sys_select ( 65, 0x1000, 0x0, 0x0, 0x0 )[sync] --> Success(0x1) "),
                                call("(158) arch_prctl ( 4098, 4aefc40 ) --> [pre-success] Success(0x0) "),
                                call("(158) arch_prctl ( 4099, 1000 ) --> [pre-success] Success(0x0) "),
                                call(
                                        "(89) sys_readlink ( 0x1(/proc/self/exe), 0x1000, 4096 ) --> [pre-success] Success(0xd) ")))
                .allMatch(line -> line.startsWith("KernelWrite[address=4096, length="))
                .extracting(line -> Integer.parseInt(line.substring(line.lastIndexOf('=') + 1, line.length() - 1)))
                .containsExactly(832, 10, 784, 144, 256, 8, 32, 8, 16, 32, 8, 36, 4, 16, 8, 13);
    }

    @Test
    void theSummaryNamesTheProcess() throws IOException {
        LogParser parser = new LogParser("test.log", new TraceSink() {
            @Override
            public void references(long[] references, int count) {}

            @Override
            public void entry(Entry entry) {}
        });
        String log = Logs.header(100, "a b", 99) + "I  04000000,1\n"
                + call("(58) sys_fork ( )   fork: process 100 created child 103\n --> [pre-success] Success(0x67) \n")
                + "==100==   guest instrs:  1,001,692\n==100== Exit code:       0\n";
        parser.read(new ByteArrayInputStream(log.getBytes(StandardCharsets.UTF_8)));

        assertThat(parser.isComplete()).isTrue();
        assertThat(parser.finish()).isEqualTo(new LogSummary(100, 99, "a b", false, List.of(103), true, 1_001_692));
    }

    @Test
    void theSameHoweverTheBytesArrive() throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        List<String> expected = new ArrayList<>();
        StringBuilder log = new StringBuilder(Logs.header(100, "program", 1));
        for (int i = 0; i < 20_000; i++) {
            long address = random.nextLong() >>> 17 + random.nextInt(40);
            int size = 1 + random.nextInt(random.nextBoolean() ? 9 : 512);
            address = Math.min(address, Reference.ADDRESS_LIMIT - size);
            long reference = Reference.pack(random.nextInt(4), address, size);
            String kind = List.of("I ", " L", " S", " M").get(Reference.kind(reference));
            log.append(kind)
                    .append(' ')
                    .append(String.format("%08x", address))
                    .append(',')
                    .append(size)
                    .append('\n');
            expected.add(Logs.text(reference));
        }
        byte[] bytes = log.toString().getBytes(StandardCharsets.UTF_8);
        List<String> found = new ArrayList<>();
        LogParser parser = new LogParser("test.log", new TraceSink() {
            @Override
            public void references(long[] references, int count) {
                for (int i = 0; i < count; i++) {
                    found.add(Logs.text(references[i]));
                }
            }

            @Override
            public void entry(Entry entry) {}
        });
        InputStream pieces = new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] into, int at, int length) {
                return super.read(into, at, Math.min(length, 1 + random.nextInt(200)));
            }
        };
        while (parser.read(pieces)) {
            // All of it.
        }
        parser.finish();

        assertThat(found).isEqualTo(expected);
    }
}
