// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZInputStream;
import org.tukaani.xz.XZOutputStream;

class RecordingTest {
    /** Bytes of an archive that are changed, one at a time: a sample, since each costs a file. */
    private static final int CHANGES = 60;

    /** A parent that opens two files and forks twice: a child that goes on with its memory, and one that execs. */
    private static final String PARENT = Logs.fresh(
            100,
            "parent",
            "SYSCALL[100,1](80) sys_chdir ( 0x1(/home) )[sync] --> Success(0x0) ",
            "SYSCALL[100,1](257) sys_openat ( 4294967196, 0x1(kept), 0 )[sync] --> Success(0x3) ",
            "SYSCALL[100,1](257) sys_openat ( 4294967196, 0x1(/dropped), 524288 )[sync] --> Success(0x4) ",
            "SYSCALL[100,1](58) sys_fork ( )   fork: process 100 created child 101",
            " --> [pre-success] Success(0x65) ",
            "SYSCALL[100,1](3) sys_close ( 3 )[sync] --> Success(0x0) ",
            "SYSCALL[100,1](58) sys_fork ( )   fork: process 100 created child 99",
            " --> [pre-success] Success(0x63) ",
            "I  04000000,1");

    private static final String MAPS =
            "SYSCALL[P,1](9) sys_mmap ( 0x0, 1, 1, 2, 3, 0 ) --> [pre-success] Success(0x1000) \n"
                    + "SYSCALL[P,1](9) sys_mmap ( 0x0, 1, 1, 2, 4, 0 ) --> [pre-success] Success(0x2000) ";

    private static final String CHILD = Logs.continued(101, 100, MAPS.replace("P", "101"), " L 04000000,4");
    private static final String PROGRAM = Logs.fresh(99, "program", MAPS.replace("P", "99"), " S 04000000,4");

    private static final Map<String, String> LOGS = new LinkedHashMap<>();

    static {
        LOGS.put("99.log", PROGRAM);
        LOGS.put("101.log", CHILD);
        LOGS.put("odd name (1).log", PARENT);
    }

    @TempDir
    Path directory;

    private Path write(String name, byte[] bytes) throws IOException {
        return Files.write(directory.resolve(name), bytes);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] xz(byte[] plain) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new XZOutputStream(bytes, new LZMA2Options(1))) {
            out.write(plain);
        }
        return bytes.toByteArray();
    }

    private static byte[] gzip(byte[] plain) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(plain);
        }
        return bytes.toByteArray();
    }

    private static byte[] tar(Map<String, byte[]> files) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream out = new TarArchiveOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                TarArchiveEntry entry = new TarArchiveEntry("some/folder/" + file.getKey());
                entry.setSize(file.getValue().length);
                out.putArchiveEntry(entry);
                out.write(file.getValue());
                out.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    private static Map<String, byte[]> logs() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        LOGS.forEach((name, text) -> files.put(name, bytes(text)));
        files.put("notes.txt", bytes("not a log"));
        return files;
    }

    private static Recording open(Object... inputs) throws IOException {
        return Recording.open(Arrays.stream(inputs).map(Object::toString).toList(), InputStream.nullInputStream());
    }

    private static void verifyFamily(Recording recording) throws IOException {
        assertThat(recording.processes()).extracting(RecordedProcess::pid).containsExactly(99, 100, 101);
        assertThat(recording.processes()).extracting(RecordedProcess::parent).containsExactly(1, -1, 1);
        assertThat(recording.processes())
                .extracting(RecordedProcess::continuesFork)
                .containsExactly(false, false, true);
        assertThat(recording.processes())
                .extracting(RecordedProcess::command)
                .containsExactly("program", "parent", "program");
        assertThat(recording.references()).isEqualTo(new ReferenceCounts(1, 1, 1, 0));
        RecordedProcess program = recording.processes().get(0);
        RecordedProcess parent = recording.processes().get(1);
        RecordedProcess child = recording.processes().get(2);
        assertThatThrownBy(() -> recording.open(child))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("before its parent");
        try (Trace trace = recording.open(parent)) {
            assertThat(Logs.steps(trace))
                    .containsExactly(
                            "Exec[command=parent]",
                            "Fork[pid=101, flags=16657, child=" + child + "]",
                            "Fork[pid=99, flags=16657, child=" + program + "]",
                            "I 4000000,1");
            assertThat(trace.next()).isEqualTo(Trace.Step.END);
        }
        try (Trace trace = recording.open(child)) {
            assertThat(Logs.steps(trace))
                    .containsExactly(mapping(0x1000, 3, "/home/kept"), mapping(0x2000, 4, "/dropped"), "L 4000000,4");
        }
        try (Trace trace = recording.open(program)) {
            assertThat(Logs.steps(trace))
                    .containsExactly(
                            "Exec[command=program]", mapping(0x1000, 3, null), mapping(0x2000, 4, null), "S 4000000,4");
        }
    }

    private static String mapping(long at, int descriptor, String path) {
        return new Call.Mmap(0, 1, 1, 2, descriptor, 0, at, path).toString();
    }

    @Test
    void aDirectory() throws IOException {
        for (Map.Entry<String, byte[]> log : logs().entrySet()) {
            write(log.getKey(), log.getValue());
        }
        Files.createDirectory(directory.resolve("folder"));

        try (Recording recording = open(directory)) {
            verifyFamily(recording);
            assertThat(recording.notes()).isEmpty();
        }
    }

    @Test
    void logsNamedOneByOneInAnyCompressionAndUnderAnyName() throws IOException {
        Path program = write("program.log.gz", gzip(bytes(PROGRAM)));
        Path parent = write("whatever", bytes(PARENT));
        Path child = write("child.log.xz", xz(bytes(CHILD)));

        try (Recording recording = open(program, parent, child)) {
            verifyFamily(recording);
        }
    }

    @Test
    void archives() throws IOException {
        Map<String, byte[]> packed = new LinkedHashMap<>();
        for (Map.Entry<String, String> log : LOGS.entrySet()) {
            packed.put(log.getKey() + ".xz", xz(bytes(log.getValue())));
        }
        List<Path> archives = List.of(
                write("a.tar.xz", xz(tar(logs()))),
                write("a.tar.gz", gzip(tar(logs()))),
                write("a.tar", tar(logs())),
                write("nested.tar.gz", gzip(tar(packed))));
        for (Path archive : archives) {
            try (Recording recording = open(archive)) {
                verifyFamily(recording);
            }
        }
    }

    @Test
    void standardInputIsOneProcess() throws IOException {
        try (Recording recording = Recording.open(
                List.of("-"), new ByteArrayInputStream(gzip(bytes(Logs.fresh(5, "x", " L 04000000,4")))))) {
            assertThat(recording.processes()).hasSize(1);
            try (Trace trace = recording.open(recording.processes().get(0))) {
                assertThat(Logs.steps(trace)).containsExactly("Exec[command=x]", "L 4000000,4");
            }
        }
    }

    @Test
    void severalRecordingsMayUseTheSameNumbers() throws IOException {
        Path first = write("1.tar.gz", gzip(tar(logs())));
        Path second = write("2.tar.gz", gzip(tar(logs())));

        try (Recording recording = open(first, second)) {
            assertThat(recording.processes())
                    .extracting(RecordedProcess::parent)
                    .containsExactly(1, -1, 1, 4, -1, 4);
            assertThat(recording.processes()).extracting(RecordedProcess::index).containsExactly(0, 1, 2, 3, 4, 5);
        }
    }

    @Test
    void aFreshProgramWithoutAForkIsARoot() throws IOException {
        Path log = write("99.log", bytes(PROGRAM));

        try (Recording recording = open(log)) {
            assertThat(recording.processes().get(0).isRoot()).isTrue();
        }
    }

    @Test
    void tracesAreReadSideBySide() throws IOException {
        StringBuilder many = new StringBuilder();
        int count = 5 * Trace.MAX_REFERENCES + 7;
        for (int i = 0; i < count; i++) {
            many.append(String.format(" L %08x,4\n", i * 8));
        }
        Path first = write("1.log", bytes(Logs.fresh(1, "a", many.toString().stripTrailing())));
        Path second = write("2.log", bytes(Logs.fresh(2, "b", many.toString().stripTrailing())));
        try (Recording recording = open(first, second);
                Trace a = recording.open(recording.processes().get(0));
                Trace b = recording.open(recording.processes().get(1))) {
            long total = 0;
            Trace.Step stepA;
            do {
                stepA = a.next();
                Trace.Step stepB = b.next();
                assertThat(stepA).isEqualTo(stepB);
                if (stepA == Trace.Step.REFERENCES) {
                    assertThat(Arrays.copyOf(a.references(), a.count()))
                            .isEqualTo(Arrays.copyOf(b.references(), b.count()));
                    assertThat(Reference.address(a.references()[0])).isEqualTo(total * 8);
                    total += a.count();
                }
            } while (stepA != Trace.Step.END);
            assertThat(total).isEqualTo(count);
        }
    }

    @Test
    void oddEndsAreNoted() throws IOException {
        Path log = write("1.log", bytes(Logs.header(1, "killed", 0) + "I  04000000,1\n"));
        Path other = write(
                "2.log",
                bytes(Logs.header(2, "x", 0) + "I  04000000,1\n==2==   guest instrs:  7\n==2== Exit code: 0\n"));

        try (Recording recording = open(log, other)) {
            assertThat(recording.notes())
                    .containsExactly(
                            log + ": the log has no end, the process was killed or the log was cut",
                            other + ": Valgrind counted 7 instructions, the log has 1");
        }
    }

    @Test
    void aContinuedLogNeedsItsParentsFork() throws IOException {
        Path child = write("101.log", bytes(CHILD));
        Path parent = write("100.log", bytes(Logs.fresh(100, "parent", "I  04000000,1")));

        assertThatThrownBy(() -> open(child, parent))
                .isInstanceOf(BadInput.class)
                .hasMessage(child + ": continues a fork, but no log has the line 'created child 101';"
                        + " expected it in the log of process 100");
    }

    @Test
    void aProcessHasOneLogAndOneParent() throws IOException {
        Path one = write("one.log", bytes(PROGRAM));
        Path two = write("two.log", bytes(PROGRAM));
        assertThatThrownBy(() -> open(one, two))
                .isInstanceOf(BadInput.class)
                .hasMessage(two + ": a second log of process 99, the first is " + one);

        String fork =
                "SYSCALL[P,1](58) sys_fork ( )   fork: process P created child 99\n --> [pre-success] Success(0x63) ";
        Path a = write("a.log", bytes(Logs.fresh(7, "a", fork.replace("P", "7"))));
        Path b = write("b.log", bytes(Logs.fresh(8, "b", fork.replace("P", "8"))));
        assertThatThrownBy(() -> open(one, a, b))
                .isInstanceOf(BadInput.class)
                .hasMessage(b + ": process 99 is forked a second time; the first time is in " + a);
    }

    @Test
    void forksMayNotFormACircle() throws IOException {
        String fork =
                "SYSCALL[P,1](58) sys_fork ( )   fork: process P created child X\n --> [pre-success] Success(0x63) ";
        Path a =
                write("a.log", bytes(Logs.continued(7, 8, fork.replace("P", "7").replace("X", "8"))));
        Path b =
                write("b.log", bytes(Logs.continued(8, 7, fork.replace("P", "8").replace("X", "7"))));

        assertThatThrownBy(() -> open(a, b)).isInstanceOf(BadInput.class).hasMessageContaining("circle");
    }

    @Test
    void whatIsNoInputIsSaidInOneLine() throws IOException {
        Path empty = Files.createDirectory(directory.resolve("empty"));
        assertThatThrownBy(() -> open(empty))
                .isInstanceOf(BadInput.class)
                .hasMessage(empty + ": no logs in it: expected files named *.log, *.log.gz or *.log.xz");
        Path missing = directory.resolve("missing.log");
        assertThatThrownBy(() -> open(missing)).isInstanceOf(BadInput.class).hasMessage(missing + ": no such file");
        Path text = write("text", bytes("hello"));
        assertThatThrownBy(() -> open(text)).isInstanceOf(BadInput.class).hasMessageStartingWith(text + ":1: no log");
        Path nothing = write("nothing.log", new byte[0]);
        assertThatThrownBy(() -> open(nothing))
                .isInstanceOf(BadInput.class)
                .hasMessageContaining("no log of Valgrind's Lackey");
    }

    @Test
    void devicesAndPipesAreRefusedAndNotWaitedFor() throws IOException, InterruptedException {
        assertThatThrownBy(() -> open("/dev/null"))
                .isInstanceOf(BadInput.class)
                .hasMessage("/dev/null: neither a regular file nor a directory");
        Path pipe = directory.resolve("pipe.log");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> open(pipe))
                .isInstanceOf(BadInput.class)
                .hasMessage(pipe + ": neither a regular file nor a directory");
        assertThatThrownBy(() -> open(directory))
                .isInstanceOf(BadInput.class)
                .hasMessage(pipe + ": not a regular file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"log.gz", "log.xz", "tar.gz", "tar.xz", "tar"})
    void aCutArchiveIsNoticedWhereverItIsCut(String kind) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 5000; i++) {
            lines.append(String.format(" L %08x,%d\n", i * 7919L % 100_003, 1 + i % 8));
        }
        byte[] log = bytes(Logs.fresh(1, "x", lines.toString().stripTrailing()));
        byte[] plain = kind.startsWith("tar") ? tar(Map.of("1.log", log)) : log;
        byte[] whole = kind.endsWith("gz") ? gzip(plain) : kind.endsWith("xz") ? xz(plain) : plain;
        Path file = write("whole." + kind, whole);
        open(file).close();
        int cuts = kind.equals("tar") ? plain.length - 10_240 : whole.length;
        for (int cut = 1; cut < cuts; cut += Math.max(1, cuts / 40)) {
            Path damaged = write("cut." + kind, Arrays.copyOf(whole, cut));
            assertThatThrownBy(() -> open(damaged))
                    .as("cut to %d of %d", cut, whole.length)
                    .isInstanceOf(BadInput.class)
                    .message()
                    .startsWith(damaged.toString())
                    .doesNotContain("\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gz", "xz"})
    void aChangedByteInAnArchiveIsNoticed(String kind) throws IOException {
        byte[] plain = tar(logs());
        byte[] whole = kind.equals("gz") ? gzip(plain) : xz(plain);
        int step = Math.max(1, whole.length / CHANGES);
        int harmless = 0;
        for (int at = 12; at < whole.length - 8; at += step) {
            byte[] changed = whole.clone();
            changed[at] ^= 0x55;
            if (unpacksTo(plain, kind, changed)) {
                // Within a run of zeroes, a copy of bytes from somewhere else is as good.
                harmless++;
                continue;
            }
            Path damaged = write("changed.tar." + kind, changed);
            assertThatThrownBy(() -> open(damaged))
                    .as("byte %d of %d", at, whole.length)
                    .isInstanceOf(BadInput.class)
                    .message()
                    .doesNotContain("\n");
        }
        assertThat(harmless).isLessThan(CHANGES / 10);
    }

    private static boolean unpacksTo(byte[] plain, String kind, byte[] packed) {
        InputStream bytes = new ByteArrayInputStream(packed);
        try (InputStream unpacked = kind.equals("gz") ? new GZIPInputStream(bytes) : new XZInputStream(bytes)) {
            return Arrays.equals(unpacked.readAllBytes(), plain);
        } catch (IOException e) {
            return false;
        }
    }
}
