// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import penumbra.kern.KernelPanic;
import penumbra.lab.trace.BadInput;
import picocli.CommandLine;

class FrontDoorTest {
    /** A command that ends in whatever way a test asks for. */
    @CommandLine.Command(name = "probe", mixinStandardHelpOptions = true, description = "Ends as told.")
    static final class Probe implements LabCommand {
        private final Callable<Integer> end;

        @CommandLine.Spec
        CommandLine.Model.CommandSpec spec;

        @CommandLine.Option(names = "--size", description = "a number")
        int size = 5;

        Probe(Callable<Integer> end) {
            this.end = end;
        }

        @Override
        public Integer call() throws Exception {
            return end.call();
        }

        @Override
        public void cancel() {
            throw new AssertionError("nothing runs");
        }
    }

    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final ByteArrayOutputStream complained = new ByteArrayOutputStream();

    @BeforeEach
    void capture() {
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void release() {
        System.setOut(out);
        System.setErr(err);
    }

    @Test
    void passesTheStatusOn() {
        assertThat(door(() -> ExitStatus.FAILED).run("probe")).isEqualTo(ExitStatus.FAILED);
        assertThat(complaint()).isEmpty();
    }

    @Test
    void setsEveryOptionAnewForEachRun() {
        Probe probe = new Probe(() -> ExitStatus.OK);
        FrontDoor door = emptyDoor();
        door.addCommand(probe);
        door.run("probe", "--size", "7");
        assertThat(probe.size).isEqualTo(7);
        door.run("probe");
        assertThat(probe.size).isEqualTo(5);
    }

    @Test
    void badInputIsOneLine() {
        FrontDoor door = door(() -> {
            throw new BadInput("file", 3, "a number was expected");
        });
        assertThat(door.run("probe")).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(complaint()).isEqualTo("vm probe: file:3: a number was expected\n");
    }

    @Test
    void badArgumentsAreOneLine() {
        assertThat(door(() -> ExitStatus.OK).run("probe", "--size", "much")).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(complaint())
                .isEqualTo("vm probe: Invalid value for option '--size': 'much' is not an int"
                        + " (see 'vm probe --help')\n");
    }

    @Test
    void aCommandMayRefuseItsArgumentsItself() {
        AtomicReference<Probe> probe = new AtomicReference<>();
        probe.set(new Probe(() -> {
            throw new CommandLine.ParameterException(probe.get().spec.commandLine(), "the size must be even");
        }));
        FrontDoor door = emptyDoor();
        door.addCommand(probe.get());
        assertThat(door.run("probe")).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(complaint()).isEqualTo("vm probe: the size must be even (see 'vm probe --help')\n");
    }

    @Test
    void aPanicHasAStatusOfItsOwn() {
        FrontDoor door = door(() -> {
            throw new KernelPanic("test: frame %d", 5);
        });
        assertThat(door.run("probe")).isEqualTo(ExitStatus.PANIC);
        assertThat(complaint()).startsWith("vm probe: panic: test: frame 5\n");
    }

    @Test
    void aDefectShowsItsTrace() {
        FrontDoor door = door(() -> {
            throw new IllegalArgumentException("impossible");
        });
        assertThat(door.run("probe")).isEqualTo(ExitStatus.PANIC);
        assertThat(complaint()).startsWith("vm probe: internal error\n").contains("impossible", "\tat ");
    }

    @Test
    void aCommandThatLeftIsUnknown() {
        Probe probe = new Probe(() -> ExitStatus.OK);
        FrontDoor door = emptyDoor();
        door.addCommand(probe);
        door.removeCommand(probe);
        assertThat(door.run("probe")).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(complaint()).startsWith("vm: Unmatched argument at index 0: 'probe'");
    }

    @Test
    void helpNamesEveryCommand() {
        assertThat(door(() -> ExitStatus.FAILED).run("--help")).isEqualTo(ExitStatus.OK);
        assertThat(printed.toString(StandardCharsets.UTF_8)).containsPattern("(?m)^  probe +Ends as told\\.$");
    }

    @Test
    void atThePromptAStatusIsAnError() {
        door(() -> ExitStatus.OK).vm("probe");
        assertThatThrownBy(() -> door(() -> ExitStatus.FAILED).vm("probe", "--size", "1"))
                .hasMessage("vm probe --size 1: status 1");
    }

    private FrontDoor door(Callable<Integer> end) {
        FrontDoor door = emptyDoor();
        door.addCommand(new Probe(end));
        return door;
    }

    /** A front door in a system where no component waits for anything. */
    private static FrontDoor emptyDoor() {
        ServiceComponentRuntime runtime = (ServiceComponentRuntime) Proxy.newProxyInstance(
                FrontDoorTest.class.getClassLoader(),
                new Class<?>[] {ServiceComponentRuntime.class},
                (proxy, method, arguments) -> List.of());
        return new FrontDoor(new Needs(runtime));
    }

    private String complaint() {
        return complained.toString(StandardCharsets.UTF_8);
    }
}
