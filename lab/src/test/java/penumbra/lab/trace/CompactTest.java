// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompactTest {
    @TempDir
    Path directory;

    private Path raw;
    private Path mapped;
    private Path compact;

    @BeforeEach
    void makeARecordingOfTwoProcesses() throws IOException {
        raw = Files.createDirectory(directory.resolve("raw"));
        compact = directory.resolve("recording.pnb");
        mapped = Files.writeString(directory.resolve("mapped"), "abc");
        String maps = "SYSCALL[100,1](2) sys_open ( 0x1(" + mapped + "), 0 )[sync] --> Success(0x3) \n"
                + "SYSCALL[100,1](2) sys_open ( 0x1(/no/such/file), 0 )[sync] --> Success(0x4) \n"
                + "SYSCALL[100,1](9) sys_mmap ( 0x0, 1, 1, 2, 3, 0 ) --> [pre-success] Success(0x1000) \n"
                + "SYSCALL[100,1](9) sys_mmap ( 0x0, 1, 1, 2, 3, 0 ) --> [pre-success] Success(0x2000) \n"
                + "SYSCALL[100,1](9) sys_mmap ( 0x0, 1, 1, 2, 4, 0 ) --> [pre-success] Success(0x3000) ";
        String fork = "SYSCALL[100,1](58) sys_fork ( )   fork: process 100 created child 7\n"
                + " --> [pre-success] Success(0x7) ";
        Files.writeString(
                raw.resolve("a.log"), Logs.fresh(100, "parent", maps, references(9000, 3), fork, references(500, 7)));
        Files.writeString(raw.resolve("b.log"), Logs.continued(7, 100, references(12_000, 5)));
    }

    private static String references(int count, int stride) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < count; i++) {
            lines.append(String.format("I  %08x,%d\n M %08x,%d\n", i * 4, 4, i * stride % 70_000, 1 + i % 32));
        }
        return lines.toString().stripTrailing();
    }

    private static Recording open(Path path) throws IOException {
        return Recording.open(List.of(path.toString()), InputStream.nullInputStream());
    }

    private void write() throws IOException {
        try (Recording recording = open(raw);
                OutputStream out = new BufferedOutputStream(Files.newOutputStream(compact))) {
            recording.writeCompact(out);
        }
    }

    /** All steps of all processes, parents before their children. */
    private static List<String> steps(Recording recording) throws IOException {
        List<String> steps = new ArrayList<>();
        Deque<RecordedProcess> waiting = new ArrayDeque<>(
                recording.processes().stream().filter(RecordedProcess::isRoot).toList());
        for (RecordedProcess process = waiting.poll(); process != null; process = waiting.poll()) {
            steps.add("process " + process.pid());
            try (Trace trace = recording.open(process)) {
                Logs.steps(trace).forEach(step -> steps.add(step.replaceAll(", source=.*", "")));
            }
            int parent = process.index();
            recording.processes().stream()
                    .filter(child -> child.parent() == parent)
                    .forEach(waiting::add);
        }
        return steps;
    }

    @Test
    void everythingIsTheSameInCompactForm() throws IOException {
        write();
        try (Recording plain = open(raw);
                Recording compacted = open(compact)) {
            assertThat(Recording.isCompact(compact)).isTrue();
            assertThat(steps(compacted)).hasSizeGreaterThan(43_000).isEqualTo(steps(plain));
            assertThat(compacted.references()).isEqualTo(plain.references());
            assertThat(compacted.notes()).isEqualTo(plain.notes());
            assertThat(compacted.processes())
                    .usingRecursiveFieldByFieldElementComparatorIgnoringFields("source")
                    .isEqualTo(plain.processes());
        }
    }

    @Test
    void aCompactRecordingCompactedAgainIsTheSameFile() throws IOException {
        write();
        byte[] first = Files.readAllBytes(compact);
        Path again = directory.resolve("again.pnb");
        Files.writeString(mapped, "changed meanwhile");
        try (Recording recording = open(compact);
                OutputStream out = Files.newOutputStream(again)) {
            recording.writeCompact(out);
        }
        assertThat(Files.readAllBytes(again)).isEqualTo(first);
    }

    @Test
    void mappedFilesAreDescribedOnce() throws IOException {
        write();
        try (Recording recording = open(compact)) {
            assertThat(recording.files())
                    .containsExactly(
                            new RecordedFile(
                                    mapped.toString(),
                                    3,
                                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                            new RecordedFile("/no/such/file", -1, ""));
        }
    }

    @Test
    void processesOfTwoInputsMayNotShareANumber() throws IOException {
        write();
        List<String> twice = List.of(compact.toString(), raw.toString());
        try (Recording recording = Recording.open(twice, InputStream.nullInputStream())) {
            assertThatThrownBy(() -> recording.writeCompact(OutputStream.nullOutputStream()))
                    .isInstanceOf(BadInput.class)
                    .hasMessageContaining("a second log of process 7");
        }
    }

    @Test
    void anotherVersionIsRefused() throws IOException {
        write();
        byte[] bytes = Files.readAllBytes(compact);
        bytes[9] = 2;
        Files.write(compact, bytes);

        assertThatThrownBy(() -> open(compact))
                .isInstanceOf(BadInput.class)
                .hasMessage(compact + ": a compact recording of version 2, expected 1");
    }

    @Test
    void aCutIsNoticedWhereverItIs() throws IOException {
        write();
        byte[] whole = Files.readAllBytes(compact);
        for (int cut = 0; cut < whole.length; cut += 1 + cut / 50) {
            Files.write(compact, Arrays.copyOf(whole, cut));
            assertThatThrownBy(() -> open(compact)).as("cut to %d", cut).isInstanceOf(BadInput.class);
        }
    }

    @Test
    void everyChangedByteIsNoticed() throws IOException {
        write();
        byte[] whole = Files.readAllBytes(compact);
        for (int at = 0; at < whole.length; at += 1 + at / 100) {
            byte[] changed = whole.clone();
            changed[at] ^= 0x21;
            Files.write(compact, changed);
            assertThatThrownBy(() -> {
                        try (Recording recording = open(compact)) {
                            steps(recording);
                        }
                    })
                    .as("byte %d of %d", at, whole.length)
                    .isInstanceOf(BadInput.class)
                    .message()
                    .startsWith(compact.toString())
                    .doesNotContain("\n");
        }
    }

    /** The recordings that come with the project, against what is known of the logs that they were made from. */
    @ParameterizedTest
    @CsvSource({"ls, 1, 1153433", "pipe, 4, 2588676", "perl, 4, 76542523"})
    void samplesAreWhole(String name, int processes, long references) throws IOException {
        try (Recording recording = open(Path.of("samples", name + ".pnb"))) {
            assertThat(recording.processes()).hasSize(processes);
            assertThat(recording.references().total()).isEqualTo(references);
            assertThat(recording.files()).extracting(RecordedFile::path).contains("/lib/x86_64-linux-gnu/libc.so.6");
            long found = 0;
            Deque<RecordedProcess> waiting =
                    new ArrayDeque<>(List.of(recording.processes().get(0)));
            for (RecordedProcess process = waiting.poll(); process != null; process = waiting.poll()) {
                try (Trace trace = recording.open(process)) {
                    for (Trace.Step step = trace.next(); step != Trace.Step.END; step = trace.next()) {
                        if (step == Trace.Step.REFERENCES) {
                            found += trace.count();
                        } else if (trace.call() instanceof Call.Fork fork) {
                            waiting.add(fork.child());
                        }
                    }
                }
            }
            assertThat(found).isEqualTo(references);
        }
    }
}
