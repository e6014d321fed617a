// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.lab.trace.BadInput;
import penumbra.lab.trace.Call;
import penumbra.lab.trace.RecordedProcess;
import penumbra.lab.trace.Recording;
import penumbra.lab.trace.ReferenceCounts;
import penumbra.lab.trace.Trace;

/** Recording with a shell script in Valgrind's place, which writes logs as Valgrind does. */
@Timeout(300)
class RecorderTest {
    /** Finds the directory for logs, and knows how logs begin and end. */
    private static final String COMMON = "#!/bin/sh\n"
            + "for a; do case $a in --log-file=*) dir=${a#--log-file=}; dir=${dir%/*};; esac; done\n"
            + "begin() { printf '==%s== Lackey, an example Valgrind tool\\n==%s== Command: %s\\n==%s== Parent PID: 1\\n'"
            + " $1 $1 \"$2\" $1; }\n"
            + "end() { printf '==%s== Exit code:       0\\n' $1; }\n";

    @TempDir
    Path directory;

    private Recorder recorder(String... script) throws IOException {
        Path valgrind = directory.resolve("valgrind");
        Files.writeString(valgrind, COMMON + String.join("\n", script) + "\n");
        Files.setPosixFilePermissions(valgrind, PosixFilePermissions.fromString("rwx------"));
        return new Recorder(valgrind.toString(), List.of("program", "argument"));
    }

    private static List<String> calls(Recording recording, RecordedProcess process) throws IOException {
        List<String> calls = new ArrayList<>();
        try (Trace trace = recording.open(process)) {
            for (Trace.Step step = trace.next(); step != Trace.Step.END; step = trace.next()) {
                if (step == Trace.Step.CALL) {
                    calls.add(
                            trace.call() instanceof Call.Fork fork
                                    ? "fork " + fork.pid()
                                    : trace.call().toString());
                } else {
                    calls.add(trace.count() + " references");
                }
            }
        }
        return calls;
    }

    @Test
    void aProgramsLogIsFollowedToItsEnd() throws IOException {
        Recorder recorder = recorder(
                "{ begin $$ 'program argument'; echo 'I  04000000,1'; echo ' S 04000000,8'; end $$; } > $dir/$$.log",
                "exit 7");
        try (Recording recording = recorder.record()) {
            assertThat(recorder.status()).isEqualTo(7);
            assertThat(recording.references()).isEqualTo(new ReferenceCounts(1, 0, 1, 0));
            assertThat(recording.notes()).isEmpty();
            assertThat(calls(recording, recording.processes().get(0)))
                    .containsExactly("Exec[command=program argument]", "2 references");
        }
    }

    @Test
    void whatCameBeforeAnExecIsKept() throws IOException {
        Recorder recorder = recorder(
                "{ begin $$ first; echo 'I  04000000,1'; } > $dir/$$.log",
                "while [ -e $dir/$$.log ]; do :; done",
                "{ begin $$ second; echo ' L 04000000,1'; echo ' L 04000000,1'; } > $dir/$$.log",
                "while [ -e $dir/$$.log ]; do :; done",
                "{ begin $$ third; end $$; } > $dir/$$.log");
        try (Recording recording = recorder.record()) {
            assertThat(recording.processes()).hasSize(1);
            assertThat(recording.processes().get(0).command()).isEqualTo("first");
            assertThat(calls(recording, recording.processes().get(0)))
                    .containsExactly(
                            "Exec[command=first]",
                            "1 references",
                            "Exec[command=second]",
                            "2 references",
                            "Exec[command=third]");
        }
    }

    @Test
    void aChildThatOutlivesItsParentIsWaitedFor() throws IOException {
        Recorder recorder = recorder(
                "mkfifo $dir/go",
                "sh -c 'read line < $0/go; { echo \"==$$== Lackey, an example Valgrind tool\";"
                        + " echo \" --> [pre-success] Success(0x0) \"; echo \"I  04000000,1\";"
                        + " echo \"==$$== Exit code: 0\"; } > $0/$$.log' $dir &",
                "child=$!",
                "{ begin $$ parent; echo \"SYSCALL[$$,1](58) sys_fork ( )   fork: process $$ created child $child\";",
                "  echo ' --> [pre-success] Success(0x1) '; end $$; } > $dir/$$.log",
                "(while [ -e $dir/$$.log ]; do :; done; echo > $dir/go) &");
        try (Recording recording = recorder.record()) {
            assertThat(recording.processes()).hasSize(2);
            assertThat(recording.processes())
                    .filteredOn(RecordedProcess::isRoot)
                    .hasSize(1);
            assertThat(recording.processes())
                    .filteredOn(RecordedProcess::continuesFork)
                    .hasSize(1);
            assertThat(recording.references().total()).isEqualTo(1);
        }
    }

    @Test
    void aKilledProgramsUnfinishedLineIsLeftOut() throws IOException {
        Recorder recorder =
                recorder("{ begin $$ killed; echo 'I  04000000,1'; printf ' S 0400'; } > $dir/$$.log", "kill -9 $$");
        try (Recording recording = recorder.record()) {
            assertThat(recording.references().total()).isEqualTo(1);
            assertThat(recording.notes()).singleElement().asString().contains("the log has no end");
        }
    }

    @Test
    void aBadLineEndsTheRecording() throws IOException {
        Recorder recorder = recorder("{ begin $$ x; echo hello; } > $dir/$$.log", "while :; do read x; done");

        assertThatThrownBy(recorder::record)
                .isInstanceOf(BadInput.class)
                .hasMessageContaining("a line of no known form: 'hello'");
        assertThat(ProcessHandle.current().descendants()).isEmpty();
    }

    @Test
    void aRecordingCanBeStopped() throws Exception {
        Recorder recorder = recorder("{ begin $$ x; } > $dir/$$.log", "touch " + directory + "/started", "sleep 1000");
        Thread stopper = new Thread(() -> {
            while (!Files.exists(directory.resolve("started"))) {
                Thread.onSpinWait();
            }
            recorder.cancel();
        });
        stopper.start();
        assertThatThrownBy(recorder::record).isInstanceOf(CancellationException.class);
        stopper.join();
        assertThat(ProcessHandle.current().descendants()).isEmpty();
    }

    @Test
    void withoutValgrindOrAProgramThereIsOneClearLine() throws IOException {
        assertThatThrownBy(() -> new Recorder("no-such-valgrind", List.of("x")).record())
                .isInstanceOf(BadInput.class)
                .hasMessage("no-such-valgrind: cannot be run, expected Valgrind on the search path");
        Recorder nothing = recorder("exit 1");
        assertThatThrownBy(nothing::record)
                .isInstanceOf(BadInput.class)
                .hasMessage("program: Valgrind could not run it");
    }

    @Test
    void theOutputIsReplacedAsAWholeOrNotAtAll() throws IOException {
        Path output = directory.resolve("out.pnb");
        Recorder recorder = recorder("{ begin $$ x; echo 'I  04000000,1'; end $$; } > $dir/$$.log");
        try (Recording recording = recorder.record()) {
            assertThat(new CompactOutput(output).write(recording)).isEqualTo(Files.size(output));
            CompactOutput again = new CompactOutput(output);
            again.cancel();
            byte[] before = Files.readAllBytes(output);
            assertThatThrownBy(() -> again.write(recording)).isInstanceOf(CancellationException.class);
            assertThat(Files.readAllBytes(output)).isEqualTo(before);
        }
        try (Recording read = Recording.open(List.of(output.toString()), InputStream.nullInputStream())) {
            assertThat(read.references().total()).isEqualTo(1);
        }
        assertThat(directory.toFile().list((place, name) -> name.endsWith(".partial")))
                .isEmpty();
    }

    @Test
    void otherFilesAreNeverReplaced() throws IOException {
        Path precious = Files.writeString(directory.resolve("precious"), "not a recording");
        assertThatThrownBy(() -> new CompactOutput(precious))
                .isInstanceOf(BadInput.class)
                .hasMessage(precious + ": is there already and is not a compact recording");
        assertThatThrownBy(() -> new CompactOutput(directory)).isInstanceOf(BadInput.class);
        Path nowhere = directory.resolve("no/such/place.pnb");
        assertThatThrownBy(() -> new CompactOutput(nowhere))
                .isInstanceOf(BadInput.class)
                .hasMessage(nowhere + ": there is no such directory");
    }
}
