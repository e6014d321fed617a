// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.kern.Fidelity;

/** The operations of scripts, typed one by one. */
@Timeout(60)
class OperationCommandsTest {
    private final HandMachine machine = new HandMachine(MachineSettings.stepped(9911, 4096, Fidelity.CORRECTED));
    private final OperationCommands commands = new OperationCommands(machine.kernel());
    private final ThreadIOImpl threadIo = new ThreadIOImpl();
    private final CommandProcessorImpl processor = new CommandProcessorImpl(threadIo);
    private CommandSession session;

    @BeforeEach
    void begin() {
        threadIo.start();
        for (String operation : new Scenario(machine.kernel()).usages().keySet()) {
            processor.addCommand("vm", commands.command(operation), operation);
        }
        processor.addCommand("vm", commands, "op");
        processor.addCommand("vm", commands, "operations");
        PrintStream nowhere = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        session = processor.createSession(InputStream.nullInputStream(), nowhere, nowhere);
    }

    @AfterEach
    void end() {
        session.close();
        processor.stop();
        threadIo.stop();
        assertThat(machine.kernel().checkInvariants(List.of(commands)).messages())
                .isEmpty();
        machine.close();
    }

    private JsonNode type(String line) {
        try {
            return new ObjectMapper().readTree(String.valueOf(session.execute(line)));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void answersAsAScriptDoes() {
        List<String> lines = List.of(
                "alloc default 4",
                "grab o1 0 7 d a",
                "proc P",
                "mmap P 16 4 rw rwx o1 0 share",
                "wr P 16 8",
                "fork P Q",
                "sys_mmap Q 0 2p rw private,anon - 0",
                "rd Q 16",
                "unmap P 16 4",
                "limits");
        List<JsonNode> script = new ArrayList<>();
        try (HandMachine other = new HandMachine(MachineSettings.stepped(9911, 4096, Fidelity.CORRECTED))) {
            Scenario scenario = new Scenario(other.kernel());
            for (int i = 0; i < lines.size(); i++) {
                script.add(scenario.step(i + 1, lines.get(i)));
            }
        }
        for (int i = 0; i < lines.size(); i++) {
            assertThat(type("vm:" + lines.get(i))).hasToString(script.get(i).toString());
        }
    }

    @Test
    void everyOperationCanBeGivenByName() throws Exception {
        assertThat(type("vm:op proc P").path("ret").asInt()).isZero();
        assertThat(type("vm:op exit P").path("ret").asInt()).isZero();
        assertThat(String.valueOf(session.execute("vm:operations")))
                .contains("mmap PROCESS PAGE PAGES PROT MAXPROT anon|OBJECT OFFSET priv|share [nosync] [stack]")
                .contains("expect [original|corrected] PLACE VALUE");
    }

    @Test
    void saysWhatWasExpected() {
        assertThatThrownBy(() -> type("vm:alloc default x"))
                .hasMessageContaining("alloc: expected PAGES, a decimal number, found \"x\"");
        assertThatThrownBy(() -> type("vm:alloc"))
                .hasMessageContaining("alloc: expected alloc default|swap|phys PAGES");
        assertThatThrownBy(() -> type("vm:op nosuch"))
                .hasMessageContaining("\"nosuch\" is no operation: expected one of");
        type("vm:alloc default 4");
        assertThatThrownBy(() -> type("vm:expect o1.size 5")).hasMessage("expected 5 at o1.size, found 4");
        assertThat(type("vm:expect o1.size 4").path("ret").asInt()).isZero();
        assertThatThrownBy(() -> type("vm:op boot 1 1")).hasMessageContaining("on the first line only");
    }

    @Test
    void whatItHoldsIsAccountedFor() {
        type("vm:alloc default 4");
        type("vm:grab o1 0 7 d a");
        type("vm:wire o1 0");
        type("vm:hold o1 0");
        type("vm:xbusy o1 0");
        type("vm:pip o1 2");
        assertThat(machine.kernel().checkInvariants(List.of()).isEmpty()).isFalse();
        assertThat(machine.kernel().checkInvariants(List.of(commands)).messages())
                .isEmpty();
    }
}
