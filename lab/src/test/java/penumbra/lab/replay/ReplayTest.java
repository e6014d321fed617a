// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.lab.cli.ExitStatus;

/** The committed recordings, replayed with generated files, so that every count is the same everywhere. */
class ReplayTest {
    private static final Path SAMPLES = Path.of("samples");

    /** The stack and loader of a program that Valgrind started, as every recording touches them. */
    private static final String LOADER = ", loader 0x4000000-0x4035000 44 pages, stack ";

    @TempDir
    Path folder;

    private Run replay(String sample, Object... options) throws IOException {
        List<Object> arguments = new ArrayList<>(List.of(SAMPLES.resolve(sample + ".pnb"), "--files", "generated"));
        arguments.addAll(List.of(options));
        return Run.of(folder, arguments.toArray());
    }

    private Run pass(String sample, Object... options) throws IOException {
        Run run = replay(sample, options);
        assertThat(run.output()).contains("every byte as expected, all invariants hold");
        assertThat(run.status()).isEqualTo(ExitStatus.OK);
        assertThat(run.report().path("violations")).isEmpty();
        JsonNode memory = run.report().path("memory");
        assertThat(memory.path("peakResident").asInt())
                .isPositive()
                .isLessThanOrEqualTo(memory.path("pages").asInt());
        return run;
    }

    private static List<String> strings(JsonNode array) {
        List<String> strings = new ArrayList<>();
        array.forEach(each -> strings.add(each.asText()));
        return strings;
    }

    @ParameterizedTest
    @CsvSource({"1, 20-faults", "1, 0.01s", "2, 20-faults"})
    void storesAreReplacedWhileProgramsRun(int cpus, String every) throws IOException {
        Object[] options = {"--memory", "512k", "--zswap", "2m", "--swap-pager-every", every, "--cpus", cpus};
        Run run = pass("pipe", options);
        assertThat(run.report().path("replacements").asInt()).isGreaterThan(5);
        assertThat(run.report().path("counters").path("vm.swap.moved").asLong()).isPositive();
        assertThat(run.output()).containsPattern("stores +[0-9,]+ replacements, [0-9,]+ pages moved");
        if (cpus == 1) {
            assertThat(pass("pipe", options).report()).isEqualTo(run.report());
        }
    }

    @Test
    void anIntervalOfReplacementsIsFaultsOrSeconds() throws IOException {
        for (String wrong : List.of("2", "0-faults", "-1s", "s", "x-faults", "0s")) {
            Run run = replay("ls", "--swap-pager-every", wrong, "--zswap", "1m");
            assertThat(run.status()).isEqualTo(ExitStatus.UNUSABLE);
            assertThat(run.output()).contains("expected an interval such as 2s or 1000-faults");
        }
        assertThat(replay("ls", "--swap-pager-every", "1s").output()).contains("there is only one store");
    }

    @ParameterizedTest
    @CsvSource({"ls, 512k", "pipe, 512k", "pipe, 16m"})
    void theSameOptionsAndSeedGiveTheSameReport(String sample, String memory) throws IOException {
        assertThat(pass(sample, "--memory", memory, "--seed", 7).report())
                .isEqualTo(pass(sample, "--memory", memory, "--seed", 7).report());
    }

    @ParameterizedTest
    @CsvSource({"ls, 512k, 777, 42", "pipe, 512k, 777, 42", "pipe, 512k, 20, 3", "pipe, 16m, 50000, 9"})
    void anyQuantumAndSeedReplays(String sample, String memory, int quantum, long seed) throws IOException {
        pass(sample, "--memory", memory, "--quantum", quantum, "--seed", seed);
    }

    @Test
    void whatIsAssumedOfLs() throws IOException {
        Run run = pass("ls");
        assertThat(strings(run.report().path("assumed")))
                .containsExactly("process 10438: image 0x108000-0x12e000 29 pages" + LOADER
                        + "0x1ffeffd000-0x1fff001000 4 pages");
    }

    @Test
    void whatIsAssumedOfPipe() throws IOException {
        Run run = pass("pipe");
        assertThat(strings(run.report().path("assumed")))
                .containsExactly(
                        "process 10440: image 0x108000-0x12a000 27 pages" + LOADER
                                + "0x1ffeffe000-0x1fff001000 3 pages",
                        "process 10441: image 0x108000-0x118000 11 pages" + LOADER
                                + "0x1ffeffe000-0x1fff001000 3 pages",
                        "process 10442: image 0x108000-0x125000 24 pages" + LOADER
                                + "0x1ffeffd000-0x1fff001000 4 pages",
                        "process 10443: image 0x108000-0x115000 10 pages" + LOADER
                                + "0x1ffeffd000-0x1fff001000 4 pages");
    }

    @Test
    void whatIsAssumedOfPerl() throws IOException {
        Run run = pass("perl");
        String child = ": image 0x108000-0x4af000 108 pages, loader 0x4001000-0x4035000 15 pages,"
                + " stack 0x1ffefff000-0x1fff001000 2 pages";
        assertThat(strings(run.report().path("assumed")))
                .containsExactly(
                        "process 10447: image 0x108000-0x4af000 327 pages" + LOADER
                                + "0x1ffeffd000-0x1fff001000 4 pages",
                        "process 10660" + child,
                        "process 10661" + child,
                        "process 10662" + child);
        assertThat(run.faults("zeroFill")).isEqualTo(681);
        assertThat(run.faults("copyOnWrite") + run.faults("copyAvoided")).isEqualTo(1391);
        assertThat(run.counter("v_swappgsout")).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "ls, 16m, 169, 35, 19, 0, 123, 0, 0",
        "ls, 512k, 580, 37, 19, 197, 302, 31, 2",
        "pipe, 512k, 2979, 82, 72, 1230, 1229, 374, 12"
    })
    void howPagesWereHad(
            String sample,
            String memory,
            long total,
            long zeroFill,
            long copyOnWrite,
            long soft,
            long fileRead,
            long swapRead,
            long protection)
            throws IOException {
        Run run = pass(sample, "--memory", memory);
        assertThat(List.of(
                        run.faults("total"),
                        run.faults("zeroFill"),
                        run.faults("copyOnWrite"),
                        run.faults("soft"),
                        run.faults("fileRead"),
                        run.faults("swapRead"),
                        run.faults("protection")))
                .containsExactly(total, zeroFill, copyOnWrite, soft, fileRead, swapRead, protection);
        assertThat(run.counter("v_swappgsin") > 0).isEqualTo(swapRead > 0);
    }

    @Test
    void filesThatTheHostIsNotAskedForAreNamed() throws IOException {
        assertThat(strings(pass("ls").report().path("files")))
                .contains("/lib/x86_64-linux-gnu/libc.so.6: replaced by 482 generated pages");
    }

    @ParameterizedTest
    @CsvSource({"ls, 16m", "pipe, 16m", "pipe, 1m"})
    @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void twoCpusRunTheProcesses(String sample, String memory) throws IOException {
        pass(sample, "--memory", memory, "--cpus", 2);
    }

    @ParameterizedTest
    @CsvSource({"ls, 512k, 64k", "pipe, 256k, 128k", "ls, 128k, 1m", "ls, 4k, 1m"})
    @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void tooLittleMemoryAndSwapEndTheRun(String sample, String memory, String swap) throws IOException {
        Run run = replay(sample, "--memory", memory, "--swap", swap);
        assertThat(run.output())
                .contains("out of memory: ")
                .containsPattern("of \\d+ pages free.* of \\d+ swap slots free");
        assertThat(run.status()).isEqualTo(ExitStatus.FAILED);
    }

    @ParameterizedTest
    @CsvSource({"ls, 512k", "pipe, 1m"})
    void anyMmuDoes(String sample, String memory) throws IOException {
        Run amd64 = replay(sample, "--memory", memory);
        Run riscv = replay(sample, "--memory", memory, "--mmu", "riscv");
        assertThat(riscv.status()).as(riscv.output()).isEqualTo(ExitStatus.OK);
        assertThat(riscv.report().path("mmu").path("name").asText()).isEqualTo("riscv");
        assertThat(riscv.report().path("references")).isEqualTo(amd64.report().path("references"));
    }

    @ParameterizedTest
    @CsvSource({"ls, 512k, 1, 50-faults", "pipe, 1m, 1, 0.01s", "pipe, 1m, 4, 20-faults"})
    void theMmuIsReplacedWhileProgramsRun(String sample, String memory, int cpus, String every) throws IOException {
        Run run = replay(sample, "--memory", memory, "--cpus", cpus, "--mmu-every", every);
        assertThat(run.status()).as(run.output()).isEqualTo(ExitStatus.OK);
        assertThat(run.report().path("mmu").path("changes").asLong()).isGreaterThan(9);
        if (cpus == 1) {
            Run again = replay(sample, "--memory", memory, "--mmu-every", every);
            assertThat(again.report()).isEqualTo(run.report());
        }
    }

    @Test
    void aSwapFileWithoutOurHeaderIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("letters"), "dear reader, ".repeat(1000));
        Run run = replay("ls", "--swap-file", file);
        assertThat(run.output()).contains(file.toString());
        assertThat(run.status()).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(file).content().startsWith("dear reader, ");
    }

    @ParameterizedTest
    @CsvSource({
        "--cpus, 0",
        "--quantum, 0",
        "--policy, none",
        "--swap, 8k",
        "--mmu, none",
        "--mmu-every, often",
        "--mmu-every, 0-faults"
    })
    void unusableOptionsAreNamed(String option, String value) throws IOException {
        Run run = replay("ls", option, value);
        assertThat(run.output()).contains(option);
        assertThat(run.status()).isEqualTo(ExitStatus.UNUSABLE);
    }
}
