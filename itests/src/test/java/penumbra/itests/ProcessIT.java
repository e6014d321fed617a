// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The process as a user sees it: exit status, standard output, standard error, and what it leaves behind. */
class ProcessIT {
    /** 128 and the number of SIGTERM: what the JVM itself ends with. */
    private static final int TERMINATED = 143;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void helpListsTheCommands(Vm vm) throws Exception {
        Vm.Ended ended = vm.run(folder, "", "--help");
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out()).contains("Usage: vm").containsPattern("(?m)^ +script ");
        assertThat(ended.out()).as("escape sequences in a file").doesNotContain("\u001b");
        assertThat(ended.status()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void anUnknownCommandIsOneLine(Vm vm) throws Exception {
        Vm.Ended ended = vm.run(folder, "", "nosuch");
        assertThat(ended.err()).isEqualTo("vm: Unmatched argument at index 0: 'nosuch' (see 'vm --help')\n");
        assertThat(ended.out()).isEmpty();
        assertThat(ended.status()).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void aScriptPrintsResults(Vm vm) throws Exception {
        Vm.Ended ended = vm.run(folder, "", "script", script("""
                # a comment, and a command over three lines
                each [one two] {
                  echo item $it
                }
                [a b]
                lb | grep Penumbra
                """));
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out()).startsWith("item one\nitem two\n").contains("\na\nb\n", "Penumbra Objects");
        assertThat(ended.status()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void theOperationsOfScriptsAreCommands(Vm vm) throws Exception {
        String file = script("""
                vm:proc P
                vm:mmap P 16 4 rw rwx anon 0 priv
                vm:wr P 17 7
                vm:fork P Q
                sys_mmap Q 0 1p rw private,anon - 0
                vm:expect ret 1p
                vm:alloc default 4
                vm:check
                vm:op exit P
                vm:rd Q 17
                vm:expect 'ret[1]' 8
                """);
        Vm.Ended ended = vm.run(folder, "", "script", file);
        assertThat(ended.out()).contains("\"op\":\"wr P 17 7\",\"ret\":1", "no violations", "\"op\":\"rd Q 17\"");
        assertThat(ended.err()).endsWith(file + ":11: expected 8 at ret[1], found 7\n");
        assertThat(ended.status()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void aScriptStopsAtTheFirstError(Vm vm) throws Exception {
        String file = script("echo before\nnosuch\necho after\n");
        Vm.Ended ended = vm.run(folder, "", "script", file);
        assertThat(ended.out()).isEqualTo("before\n");
        assertThat(ended.err()).isEqualTo(file + ":2: Command not found: nosuch\n");
        assertThat(ended.status()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void aCommandThatReportsItsErrorItselfStopsAScriptToo(Vm vm) throws Exception {
        String file = script("cat " + folder.resolve("nosuch") + "\necho after\n");
        Vm.Ended ended = vm.run(folder, "", "script", file);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).endsWith(file + ":1: the command failed\n");
        assertThat(ended.status()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void anIncompleteScriptIsUnusable(Vm vm) throws Exception {
        String file = script("echo before\necho (\n");
        Vm.Ended ended = vm.run(folder, "", "script", file);
        assertThat(ended.err()).isEqualTo("vm script: " + file + ":2: the command that begins here does not end\n");
        assertThat(ended.status()).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void thePromptReadsStandardInput(Vm vm) throws Exception {
        Vm.Ended ended = vm.run(folder, "echo hello\nnosuch\nvm --version\nexit\n");
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out()).contains("hello\n", "Command not found: nosuch", "Penumbra 1.");
        assertThat(ended.status()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void aSignalStopsTheFrameworkInOrder(Vm vm) throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        String file = script("echo running\nsleep 1000\necho after\n");
        Path err = folder.resolve("err");
        Process process = vm.process(temporary, "script", file)
                .redirectError(err.toFile())
                .start();
        try (BufferedReader out = process.inputReader()) {
            assertThat(out.readLine()).isEqualTo("running");
            // Not Process.destroy, which closes the streams.
            process.toHandle().destroy();
            assertThat(out.readLine()).isNull();
        }
        assertThat(process.waitFor()).isEqualTo(TERMINATED);
        assertThat(Files.readString(err)).contains("vm script: stopped\n");
        Vm.assertIsEmpty(temporary);
    }

    @ParameterizedTest
    @EnumSource
    void aSignalEndsAScriptThatWaitsForInput(Vm vm) throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Path err = folder.resolve("err");
        Process process =
                vm.process(temporary, "script", "-").redirectError(err.toFile()).start();
        try (BufferedReader out = process.inputReader();
                BufferedWriter in = process.outputWriter()) {
            in.write("echo running\n");
            in.flush();
            assertThat(out.readLine()).isEqualTo("running");
            process.toHandle().destroy();
            assertThat(out.readLine()).isNull();
        }
        assertThat(process.waitFor()).isEqualTo(TERMINATED);
        assertThat(Files.readString(err)).isEqualTo("vm script: stopped\n");
        Vm.assertIsEmpty(temporary);
    }

    @ParameterizedTest
    @EnumSource
    void aSignalEndsAReplayBeforeTheMachineGoes(Vm vm) throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        String file = script("echo running\nvm replay --files generated --memory 1m " + Shipped.LONG_SAMPLE + "\n");
        Path err = folder.resolve("err");
        Process process = vm.process(temporary, "script", file)
                .redirectError(err.toFile())
                .start();
        try (BufferedReader out = process.inputReader()) {
            assertThat(out.readLine()).isEqualTo("running");
            process.toHandle().destroy();
            assertThat(out.lines()).as("a report").noneMatch(line -> line.startsWith("references"));
        }
        assertThat(process.waitFor()).isEqualTo(TERMINATED);
        assertThat(Files.readString(err)).contains(": stopped\n").doesNotContain("ERROR", "\tat ");
        Vm.assertIsEmpty(temporary);
    }

    private String script(String text) throws IOException {
        return Files.writeString(folder.resolve("script"), text).toString();
    }
}
