// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.exam.machine.Interposed;
import penumbra.kern.KernelPanic;
import penumbra.lab.cli.ExitStatus;
import picocli.CommandLine;

/**
 * The outcome of one {@code replay} command on a machine wired by hand.
 *
 * @param output all that it printed
 * @param report its JSON report, the times taken out; empty when it wrote none
 */
record Run(int status, String output, JsonNode report) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Runs {@code replay} with these arguments. */
    static Run of(Path folder, Object... arguments) throws IOException {
        return of(Interposed.NOTHING, folder, arguments);
    }

    /** The same with something between the machine's layers; {@code folder} is for the report. */
    static Run of(Interposed between, Path folder, Object... arguments) throws IOException {
        Path json = folder.resolve("report.json");
        Files.deleteIfExists(json);
        List<String> all = new ArrayList<>(List.of("--json", json.toString()));
        for (Object argument : arguments) {
            all.add(argument.toString());
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream console = System.out;
        int status;
        try (Booted machine = new Booted(between);
                PrintStream captured = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(captured);
            CommandLine command = new CommandLine(new ReplayCommand(machine::boot));
            command.setExecutionExceptionHandler((thrown, line, parsed) -> {
                captured.println(thrown);
                return ExitStatus.UNUSABLE;
            });
            status = execute(command, all, captured);
        } finally {
            System.setOut(console);
        }
        JsonNode report = JSON.createObjectNode();
        if (Files.exists(json)) {
            report = JSON.readTree(json.toFile());
            ((ObjectNode) report).remove("time");
        }
        return new Run(status, bytes.toString(StandardCharsets.UTF_8), report);
    }

    private static int execute(CommandLine command, List<String> arguments, PrintStream out) {
        try {
            return command.execute(arguments.toArray(String[]::new));
        } catch (KernelPanic panic) {
            panic.printStackTrace(out);
            return ExitStatus.PANIC;
        }
    }

    /** The faults that were resolved in the way {@code kind}. */
    long faults(String kind) {
        return report.path("faults").path(kind).asLong();
    }

    /** A statistic by the last part of its name. */
    long counter(String name) {
        return report.path("counters").path("vm.stats.vm." + name).asLong();
    }

    /** The one machine of a run. */
    private static final class Booted implements AutoCloseable {
        private final Interposed between;
        private @Nullable HandMachine machine;

        Booted(Interposed between) {
            this.between = between;
        }

        Kernel boot(MachineSettings settings) {
            machine = new HandMachine(settings, between);
            return machine.kernel();
        }

        @Override
        public void close() {
            if (machine != null) {
                machine.close();
            }
        }
    }
}
