// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.kern.Fidelity;
import penumbra.kern.Witness;

/**
 * What other systems test of their memory, as scripts with expected results: each on a fresh machine, its invariants
 * checked after each step.
 */
class AcceptanceTest {
    private static final Path SCRIPTS = Path.of("src/test/data/acceptance");

    /** The line of a script that only the mended system can pass. */
    private static final String CORRECTED_ONLY = "# fidelity: corrected";

    private @Nullable HandMachine machine;

    private Kernel boot(MachineSettings settings) {
        switchOff();
        machine = new HandMachine(settings);
        return machine.kernel();
    }

    @AfterEach
    void switchOff() {
        Witness.forget();
        if (machine != null) {
            machine.close();
            machine = null;
        }
    }

    static Stream<Arguments> runs() throws IOException {
        return ScriptFolder.read(SCRIPTS).scripts().stream().flatMap(script -> Stream.of(Fidelity.values())
                .filter(fidelity -> fidelity.corrected() || !script.lines().contains(CORRECTED_ONLY))
                .map(fidelity -> Arguments.of(script.name(), fidelity, script)));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("runs")
    void goesAsExpected(String name, Fidelity fidelity, ScenarioFile script) {
        script.run(this::boot, fidelity, (step, kernel, scenario) -> {
            assertThat(Scenario.ended(step)).as("%s", step).isFalse();
            assertThat(kernel.checkInvariants(List.of(scenario.holdings())).messages())
                    .as("%s:%s %s", name, step.path("n"), step.path("op"))
                    .isEmpty();
        });
    }

    @Test
    void everyScriptExpectsSomething() throws IOException {
        for (ScenarioFile script : ScriptFolder.read(SCRIPTS).scripts()) {
            assertThat(script.lines()).as(script.name()).anyMatch(line -> line.startsWith("expect "));
        }
    }

    @Test
    void theTableNamesEveryScriptAndNoOther() throws IOException {
        TreeSet<String> named = new TreeSet<>();
        Matcher names =
                Pattern.compile("`([a-zA-Z0-9_-]+)\\.ops`").matcher(Files.readString(SCRIPTS.resolve("README.md")));
        while (names.find()) {
            named.add(names.group(1));
        }
        List<String> present = ScriptFolder.read(SCRIPTS).scripts().stream()
                .map(ScenarioFile::name)
                .toList();
        assertThat(named).containsExactlyInAnyOrderElementsOf(present);
    }

    @Test
    void anUnmetExpectationSaysWhereAndWhatWasFound() {
        ScenarioFile script = new ScenarioFile(
                "bad.ops", List.of("boot 8192 4096", "alloc default 4", "# ", "expect o1.size 4", "expect o1.size 5"));
        assertThatThrownBy(() -> script.run(this::boot, Fidelity.CORRECTED, step -> {}))
                .isInstanceOf(UnmetExpectation.class)
                .hasMessage("bad.ops:5: expected 5 at o1.size, found 4");
    }

    @Test
    void anExpectationOfTheOtherFidelityIsPassedOver() {
        ScenarioFile script = new ScenarioFile("x.ops", List.of("boot 8192 4096", "expect original g.free 0"));
        script.run(this::boot, Fidelity.CORRECTED, step -> {});
        assertThatThrownBy(() -> script.run(this::boot, Fidelity.ORIGINAL, step -> {}))
                .isInstanceOf(UnmetExpectation.class);
    }

    @Test
    void placesInTheStateAreFoundByKeyAndByNumber() {
        List<String> lines = List.of(
                "boot 8192 4096",
                "proc P",
                "mmap P 16 4 rw rwx anon 0 priv",
                "expect ret 0",
                "wr P 18 7",
                "expect ret 1",
                "expect P.ent[0].s 16",
                "expect P.ent[s=16].e 20",
                "expect P.ent[s=17].e none",
                "expect P.pm[0=18][1] o1",
                "expect P.pm[0=17] none",
                "expect o1.pg[i=2].t 6|7",
                "expect o1.fl [ONEMAP]",
                "expect nobody none",
                "expect ret 1");
        new ScenarioFile("x.ops", lines).run(this::boot, Fidelity.CORRECTED, step -> {});
        for (String bad : List.of("expect", "expect .x 1", "expect o1[ 1", "expect o1.x", "expect o1.x 1 2 3")) {
            assertThatThrownBy(() -> new ScenarioFile("x.ops", List.of("boot 8192 4096", bad))
                            .run(this::boot, Fidelity.CORRECTED, step -> {}))
                    .as(bad)
                    .isInstanceOf(BadScript.class)
                    .hasMessageStartingWith("x.ops:2: ");
        }
    }

    @Test
    void bytesAndBitsAreReadInAllTheirForms() {
        List<String> lines = List.of(
                "boot 8192 4096",
                "proc P",
                "sys_mmap P 16p 2p rw private,anon,fixed - 0",
                "expect ret 16p",
                "poke P 16p+10 7 3",
                "peek P 65546 3",
                "expect ret 7",
                "peek P 17p-1 2",
                "expect ret 0",
                "peek P 16p+9 2",
                "expect ret [0,7]");
        new ScenarioFile("x.ops", lines).run(this::boot, Fidelity.CORRECTED, step -> {});
        for (String bad : List.of(
                "peek P x",
                "peek P 1p+",
                "peek P 99999999999999999999",
                "peek P 1 -1",
                "sys_mlockall P never",
                "sys_mmap P 0 1p rw private o1 0",
                "sys_mmap P 0 1p rw private o9:r 0",
                "setrlimit P cpu 1")) {
            assertThatThrownBy(() -> new ScenarioFile("x.ops", List.of("boot 8192 4096", "proc P", bad))
                            .run(this::boot, Fidelity.CORRECTED, step -> {}))
                    .as(bad)
                    .isInstanceOf(BadScript.class)
                    .hasMessageStartingWith("x.ops:3: ")
                    .hasMessageContaining("expected");
        }
    }
}
