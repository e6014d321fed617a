// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Process;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.lab.trace.BadInput;

@Timeout(60)
class ScriptTest {
    private final ThreadIOImpl threadIo = new ThreadIOImpl();
    private final CommandProcessorImpl processor = new CommandProcessorImpl(threadIo);
    private final Commands commands = new Commands();
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
    private CommandSession session;
    private Script script;

    /** The commands that the scripts here know. */
    public static final class Commands {
        final CountDownLatch waiting = new CountDownLatch(1);
        private volatile Thread parked;

        public String say(String word) {
            return word;
        }

        public void print(String word) {
            System.out.println(word);
        }

        public void fail() {
            throw new IllegalArgumentException("on purpose");
        }

        /** Fails as a command of the shell does: by a status, after it has said why. */
        public void status(int status) {
            Process.Utils.current().error(status);
        }

        public void park() throws InterruptedException {
            parked = Thread.currentThread();
            waiting.countDown();
            new CountDownLatch(1).await();
        }
    }

    @BeforeEach
    void begin() {
        threadIo.start();
        for (String name : List.of("say", "print", "fail", "status", "park")) {
            processor.addCommand("test", commands, name);
        }
        session = processor.createSession(InputStream.nullInputStream(), out, out);
        script = new Script("s", session, out);
    }

    @AfterEach
    void end() throws InterruptedException {
        session.close();
        processor.stop();
        Thread last = commands.parked;
        if (last != null) {
            // As it ends, a command's thread puts the shell's streams in place again.
            last.join();
        }
        threadIo.stop();
    }

    @Test
    void printsWhatCommandsPrintAndReturn() throws IOException {
        assertThat(run("print one\nsay two\n\n# say three\n[4 5]\n")).isNull();
        assertThat(printed()).isEqualTo("one\ntwo\n4\n5\n\n");
    }

    @Test
    void joinsLinesUntilTheCommandIsComplete() throws IOException {
        assertThat(run("say \"one\ntwo\"\n[4\n5]\nsay after")).isNull();
        assertThat(printed()).isEqualTo("one\ntwo\n4\n5\n\nafter\n");
    }

    @Test
    void namesTheLineOfAFailure() throws IOException {
        assertThat(run("say one\n\nfail\nsay two\n")).isEqualTo("s:3: on purpose");
        assertThat(printed()).isEqualTo("one\n");
    }

    @Test
    void namesTheFirstLineOfALongCommand() throws IOException {
        assertThat(run("say one\nsay (\nnosuch)\n")).isEqualTo("s:2: Command not found: nosuch");
    }

    @Test
    void aStatusIsAFailure() throws IOException {
        assertThat(run("status 0\nstatus 3\nsay never\n")).isEqualTo("s:2: the command failed");
        assertThat(printed()).isEmpty();
    }

    @Test
    void refusesAnIncompleteEnd() {
        assertThatThrownBy(() -> run("say one\nsay \"two\n\n"))
                .isInstanceOf(BadInput.class)
                .hasMessage("s:2: the command that begins here does not end");
    }

    @Test
    void cancellingInterruptsTheCommandAndRunsNoOther() throws Exception {
        FutureTask<String> run = new FutureTask<>(() -> run("park\nsay never\n"));
        new Thread(run).start();
        commands.waiting.await();
        script.cancel();
        assertThat(run.get()).isNull();
        assertThat(printed()).isEmpty();
    }

    private String run(String text) throws IOException {
        return script.run(new BufferedReader(new StringReader(text)));
    }

    private String printed() {
        return printed.toString(StandardCharsets.UTF_8);
    }
}
