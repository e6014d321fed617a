// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Logs that cannot be used: one line that says where and why. */
class BadLogTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "' L 04000000,0'|an access of '0' bytes, expected 1 to 4096",
                "' L 04000000,4097'|an access of '4097' bytes, expected 1 to 4096",
                "' L 04000000,1099511627776'|an access of '1099511627776' bytes, expected 1 to 4096",
                "' L 04000000,'|an access of '' bytes",
                "' L 04000000,8x'|an access of '8x' bytes",
                "' L 04000000,08'|an access of '08' bytes",
                "' L 800000000000,1'|an access at '800000000000', expected a hexadecimal address of 47 bits",
                "' L 7fffffffffff,2'|an access at '7fffffffffff', expected a hexadecimal address of 47 bits",
                "' L ffffffffffffffff,1'|an access at 'ffffffffffffffff'",
                "' L 11112222333344445,1'|an access at '11112222333344445'",
                "' L 0400000G,1'|an access at '0400000G'",
                "' L 0400000A,1'|an access at '0400000A'",
                "' L ,1'|an access at ''",
                "' X 04000000,1'|a line of no known form: ' X 04000000,1'",
                "'I 04000000,1'|a line of no known form",
                "'L 04000000,1'|a line of no known form",
                "'hello'|a line of no known form: 'hello'",
                "''|a line of no known form: ''",
                "' --> [pre-success] Success(0x0) '|a line of no known form",
                "'==101== words'|process 101 in the log of process 100",
                "'SYSCALL[101,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x1000) '|process 101 in the log of process 100",
                "'SYSCALL[100,1](12) ... [async] --> Success(0x0) '|the result of a call that thread 1 did not make",
                "'SYSCALL[100,1](9) sys_mmap ( 0x0 ) --> [pre-success] Success(0x1000) '|call 9: argument 2 is missing, there are 1",
                "'SYSCALL[100,1](11) sys_munmap ( zz, 1 )[sync] --> Success(0x0) '|call 11: argument 1 is no number: 'zz'",
                "'SYSCALL[100,1](257) sys_openat ( 1, 0x1, 0 )[sync] --> Success(0x0) '|call 257: no path among the arguments",
                "'SYSCALL[100,1](11) sys_munmap ( 0x1000, 140737488355328 )[sync] --> Success(0x0) '|a range of 0x800000000000 bytes at 0x1000",
                "'SYSCALL[100,1](58) sys_fork ( )   fork: process 7 created child 9 --> [pre-success] Success(0x9) '|process 7 in the log of process 100"
            })
    void aBadLineIsNamed(String line, String problem) {
        assertThatThrownBy(() -> Logs.parseLines("I  04000000,1", line == null ? "" : line))
                .isInstanceOf(BadInput.class)
                .hasMessageStartingWith("test.log:8: " + problem)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void aCallWithoutAResultIsNamedByItsLine() {
        assertThatThrownBy(() -> Logs.parseLines("SYSCALL[100,1](58) sys_fork ( )", "I  04000000,1"))
                .isInstanceOf(BadInput.class)
                .hasMessage("test.log:8: the call in line 7 has no result");
        assertThatThrownBy(() -> Logs.parseLines(
                        "SYSCALL[100,1](58) sys_fork ( )", "SYSCALL[100,1](39) sys_getpid ()[sync] --> Success(0x1) "))
                .isInstanceOf(BadInput.class)
                .hasMessage("test.log:8: the call in line 7 has no result");
    }

    @ParameterizedTest
    @ValueSource(strings = {"hello\n", "I  04000000,1\n", "\n", "==1== Memcheck, a memory error detector\n"})
    void anotherFileIsNoLog(String text) {
        assertThatThrownBy(() -> Logs.parse(text))
                .isInstanceOf(BadInput.class)
                .hasMessageStartingWith("test.log:1: no log of Valgrind's Lackey");
    }

    @Test
    void anEmptyLogIsNone() {
        assertThatThrownBy(() -> Logs.parse(""))
                .isInstanceOf(BadInput.class)
                .hasMessageContaining("no log of Valgrind's Lackey");
    }

    @Test
    void aLogMayNotEndWithinALine() {
        assertThatThrownBy(() -> Logs.parse(Logs.header(1, "x", 0) + "I  04000000,1\n L 0400"))
                .isInstanceOf(BadInput.class)
                .hasMessage("test.log:8: the log ends in the middle of a line");
    }

    @Test
    void anEndlessLineTakesBoundedMemory() {
        InputStream endless = new InputStream() {
            private final byte[] start = Logs.header(1, "x", 0).getBytes();
            private int next;

            @Override
            public int read() {
                return next < start.length ? start[next++] : 'x';
            }
        };
        assertThatThrownBy(() -> {
                    LogParser parser = new LogParser(
                            "test.log", new TraceWriter(new ByteWriter(java.io.OutputStream.nullOutputStream())));
                    while (parser.read(endless)) {
                        // Until it refuses.
                    }
                })
                .isInstanceOf(BadInput.class)
                .hasMessage("test.log:7: a line of more than 1048576 bytes");
    }

    @Test
    void noDamageLeadsToAnythingButBadInput() throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        String whole = Logs.fresh(
                100,
                "program",
                "I  0401ab70,3",
                " S 1fff000768,8",
                "SYSCALL[100,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000) ",
                "SYSCALL[100,1](0) sys_read ( 4, 0x1ffeffee18, 832 ) --> [async] ... ",
                "SYSCALL[100,1](0) ... [async] --> Success(0x340) ",
                "SYSCALL[100,1](257) sys_openat ( 4294967196, 0x4034bb0(/x), 524288 )[sync] --> Success(0x5) ",
                "SYSCALL[100,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x0, 0x0 )   clone(fork): process 100 created child 101",
                " --> [pre-success] Success(0x65) ",
                " M 04035000,4");
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            StringBuilder damaged = new StringBuilder(whole);
            for (int i = random.nextInt(3); i >= 0; i--) {
                int at = random.nextInt(damaged.length());
                switch (random.nextInt(4)) {
                    case 0 -> damaged.setCharAt(at, (char) random.nextInt(256));
                    case 1 -> damaged.deleteCharAt(at);
                    case 2 -> damaged.insert(at, "0123456789abcdef,()[]->\n ".charAt(random.nextInt(25)));
                    default -> damaged.delete(at, Math.min(damaged.length(), at + random.nextInt(60)));
                }
            }
            try {
                Logs.parse(damaged.toString());
            } catch (BadInput e) {
                assertThat(e.getMessage()).startsWith("test.log:").doesNotContain("\n");
                refused++;
            }
        }
        assertThat(refused).isPositive();
    }
}
