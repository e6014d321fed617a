// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.kern.Witness;

/** Every script, compared at the highest level, with the invariants checked after each step and the witness on. */
class ConformanceTest {
    private static final Path SCRIPTS = Path.of("../itests/src/test/data/vectors.tar.xz");

    private static ScriptFolder folder;

    private String mmu = "amd64";
    private @Nullable HandMachine machine;

    @BeforeAll
    static void readScripts() throws IOException {
        folder = ScriptFolder.read(SCRIPTS);
    }

    private Kernel boot(MachineSettings settings) {
        switchOff();
        machine = new HandMachine(settings);
        Kernel kernel = machine.kernel();
        assertThat(kernel.pmaps().useMmu(mmu)).isTrue();
        return kernel;
    }

    @AfterEach
    void switchOff() {
        Witness.forget();
        if (machine != null) {
            machine.close();
            machine = null;
        }
    }

    @Test
    void noScriptIsMissing() {
        assertThat(folder.scripts()).hasSize(266);
        assertThat(folder.scripts().stream().filter(script -> folder.mended(script.name()) != null))
                .hasSize(16);
    }

    @ParameterizedTest
    @CsvSource({"ORIGINAL, amd64", "CORRECTED, amd64", "ORIGINAL, riscv", "CORRECTED, riscv"})
    void everyScriptGoesAsExpectedAndBreaksNoInvariant(Fidelity fidelity, String mmuName) {
        mmu = mmuName;
        Conformance conformance = new Conformance(this::boot, fidelity, Level.ALL);
        Deviations deviations = new Deviations();
        List<String> problems = new ArrayList<>();
        for (ScenarioFile script : folder.scripts()) {
            Deviations.@Nullable Deviation allowed = fidelity.corrected() ? null : deviations.violation(script.name());
            int[] firstViolation = {0};
            List<Difference> differences = conformance.run(folder, script, (step, kernel, scenario) -> {
                if (Scenario.ended(step)) {
                    return;
                }
                int number = step.path("n").asInt();
                Violations violations = kernel.checkInvariants(List.of(scenario.holdings()));
                if (!violations.isEmpty() && firstViolation[0] == 0) {
                    firstViolation[0] = number;
                }
                if (allowed == null || number < allowed.step()) {
                    violations
                            .messages()
                            .forEach(message -> problems.add(script.name() + " " + number + ": " + message));
                }
            });
            if (allowed != null && firstViolation[0] != allowed.step()) {
                problems.add(script.name() + ": first violation at step " + firstViolation[0] + ", listed at "
                        + allowed.step());
            }
            @Nullable String problem = deviations.judge(fidelity, script.name(), differences);
            if (problem != null) {
                problems.add(script.name() + ": " + problem);
            }
        }
        assertThat(problems).isEmpty();
    }

    @Test
    void aChangedExpectationIsFound() {
        ScenarioFile script =
                new ScenarioFile("collapse", List.of("boot 8192 4096", "alloc default 4", "grab o1 0 10 d a"));
        List<String> printed = new ArrayList<>();
        script.run(this::boot, Fidelity.ORIGINAL, step -> printed.add(step.toString()));
        assertThat(printed.get(2)).contains("\"t\":10");
        ScriptFolder changed = ScriptFolder.of(
                script,
                printed.stream()
                        .map(line -> line.replace("\"t\":10", "\"t\":11"))
                        .toList());
        List<Difference> differences = new Conformance(this::boot, Fidelity.ORIGINAL, Level.GRAPH)
                .run(changed, script, (step, kernel, scenario) -> {});
        assertThat(differences).singleElement().satisfies(difference -> {
            assertThat(difference.step()).isEqualTo(3);
            assertThat(difference.path()).isEqualTo("o1.pg[0].t");
            assertThat(difference.expected()).isEqualTo("11");
            assertThat(difference.found()).isEqualTo("10");
        });
    }

    @Test
    void aBadLineIsNamed() {
        for (String line :
                List.of("nosuch", "alloc", "alloc default x", "rd P 1", "dealloc o7", "boot 1 1", "wd o1 2")) {
            ScenarioFile script = new ScenarioFile("bad.ops", List.of("boot 8192 4096", "alloc default 4", line));
            try {
                script.run(this::boot, Fidelity.CORRECTED, step -> {});
                throw new AssertionError(line + " was taken");
            } catch (BadScript e) {
                assertThat(e).hasMessageStartingWith("bad.ops:3: ").hasMessageContaining("expected");
            }
        }
    }
}
