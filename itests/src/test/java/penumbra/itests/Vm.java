// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The ways to start the system in a process of its own, with the JDK that runs the tests. */
enum Vm {
    RUNNABLE_JAR {
        @Override
        List<String> command(List<String> options, List<String> arguments) {
            List<String> command = new ArrayList<>(options);
            command.add("-jar");
            command.add(Shipped.JAR.toString());
            command.addAll(arguments);
            return command;
        }
    },

    FELIX_FOLDER {
        @Override
        List<String> command(List<String> options, List<String> arguments) {
            List<String> command = new ArrayList<>(options);
            command.add("-Dvm.arguments=" + String.join(" ", arguments));
            command.add("-jar");
            command.add("bin/felix.jar");
            return command;
        }
    };

    abstract List<String> command(List<String> options, List<String> arguments);

    /**
     * A process ready to be started, in the Felix folder.
     *
     * @param temporary the folder for its temporary files
     */
    ProcessBuilder process(Path temporary, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.addAll(command(
                List.of(
                        "-XX:+IgnoreUnrecognizedVMOptions",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djava.io.tmpdir=" + temporary),
                List.of(arguments)));
        return new ProcessBuilder(command).directory(Shipped.FELIX.toFile());
    }

    /** Runs to the end with {@code input} as standard input. */
    Ended run(Path folder, String input, String... arguments) throws IOException, InterruptedException {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        int status = process(temporary, arguments)
                .redirectInput(Files.writeString(folder.resolve("in"), input).toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start()
                .waitFor();
        assertIsEmpty(temporary);
        return new Ended(status, Files.readString(out), Files.readString(err));
    }

    static void assertIsEmpty(Path folder) throws IOException {
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).as("temporary files left behind").isEmpty();
        }
    }

    /** How a process ended, and all that it wrote. */
    record Ended(int status, String out, String err) {}
}
