// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingInProgressTest {
    private static final int PARENT = 100;
    private static final int CHILD = 101;
    private static final RecordingInProgress.Consumed IGNORED = (log, position) -> {};

    @TempDir
    Path directory;

    private Path parentLog() throws IOException {
        return Files.writeString(
                directory.resolve("parent"),
                Logs.fresh(
                        PARENT,
                        "parent",
                        "SYSCALL[100,1](58) sys_fork ( )   fork: process 100 created child 101",
                        " --> [pre-success] Success(0x65) "));
    }

    private Path childLog() throws IOException {
        return Files.writeString(directory.resolve("child"), Logs.continued(CHILD, PARENT, "I  04000000,1"));
    }

    @Test
    void aChildThatWritesItsLogAndEndsBetweenTwoLooksIsNotLost() throws IOException {
        try (RecordingInProgress recording = new RecordingInProgress()) {
            assertThat(recording.ended(pid -> true)).isEmpty();
            recording.begin(PARENT, parentLog());
            // By now the child has come and gone; that it was never asked for keeps the recording open.
            assertThat(recording.advance(Set.of(), IGNORED)).isTrue();

            Set<Integer> gone = recording.ended(pid -> false);
            assertThat(gone).containsExactly(CHILD);
            recording.begin(CHILD, childLog());
            assertThat(recording.advance(gone, IGNORED)).isFalse();
            try (Recording whole = recording.finish()) {
                assertThat(whole.processes()).hasSize(2);
                assertThat(whole.references().total()).isEqualTo(1);
            }
        }
    }

    @Test
    void anExecByAProcessThatEndsAtOnceStaysOneProcess() throws IOException {
        Path first = Files.writeString(directory.resolve("first"), Logs.header(PARENT, "first", 1));
        Path second = Files.writeString(directory.resolve("second"), Logs.fresh(PARENT, "second"));
        try (RecordingInProgress recording = new RecordingInProgress()) {
            recording.begin(PARENT, first);
            assertThat(recording.advance(Set.of(), IGNORED)).isTrue();
            Set<Integer> gone = recording.ended(pid -> false);
            recording.begin(PARENT, second);
            assertThat(recording.advance(gone, IGNORED)).isFalse();
            try (Recording whole = recording.finish()) {
                assertThat(whole.processes()).hasSize(1);
                assertThat(whole.processes().get(0).command()).isEqualTo("first");
            }
        }
    }

    @Test
    void aForkedChildWithoutALogIsNotWaitedForOnceItHasEnded() throws IOException {
        try (RecordingInProgress recording = new RecordingInProgress()) {
            recording.begin(PARENT, parentLog());
            assertThat(recording.advance(Set.of(), IGNORED)).isTrue();
            assertThat(recording.advance(recording.ended(pid -> true), IGNORED)).isTrue();
            assertThat(recording.advance(recording.ended(pid -> false), IGNORED))
                    .isFalse();
        }
    }
}
