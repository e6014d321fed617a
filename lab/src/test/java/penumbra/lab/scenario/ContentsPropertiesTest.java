// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.AfterFailureMode;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.RandomGenerator;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AroundPropertyHook;
import net.jqwik.api.lifecycle.PropertyExecutionResult;
import net.jqwik.api.lifecycle.PropertyExecutor;
import net.jqwik.api.lifecycle.PropertyLifecycleContext;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.exam.machine.Interposed;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.Witness;
import penumbra.lab.replay.Plant;

/**
 * Whatever a script does, each process reads what it must, and every invariant holds after every step. What fails is
 * made smaller and printed as a script that {@code ./vm scenario} runs.
 */
class ContentsPropertiesTest {
    private static final int MOST_STEPS = 160;

    /** About one script in ten shows the planted defect. */
    private static final int TRIES_FOR_DEFECT = 200;

    /** About half of what the scripts map, so that they page. */
    private static final String SMALL = "boot -1875 1024";

    /** More than they map, so that swap can be taken away. */
    private static final String LARGE = "boot -1300 1024";

    /** A machine that loses the last block of each page that is copied. */
    private static final Interposed FORGETFUL = Plant.inMemory((real, method, arguments, call) -> {
        Object result = call.go();
        if (method.equals("copy")) {
            int last = PageSize.BYTES - PageSize.BLOCK;
            real.zero((int) arguments[1], last, PageSize.BLOCK);
        }
        return result;
    });

    @Provide
    Arbitrary<List<Step>> steps() {
        RandomGenerator<List<Step>> lists = Step.any()
                .list()
                .ofMaxSize(MOST_STEPS)
                .withSizeDistribution(RandomDistribution.uniform())
                .generator(MOST_STEPS);
        return Arbitraries.fromGenerator(random -> {
            List<Step> steps = lists.next(random).value();
            return ShrinkableSteps.of(Stream.concat(steps.stream(), Step.readingEverything().stream())
                    .toList());
        });
    }

    @Property(edgeCases = EdgeCasesMode.NONE, afterFailure = AfterFailureMode.RANDOM_SEED)
    void everyProcessReadsWhatItMustUnderPressure(@ForAll("steps") List<Step> steps) {
        run(Interposed.NOTHING, SMALL, steps);
    }

    @Property(edgeCases = EdgeCasesMode.NONE, afterFailure = AfterFailureMode.RANDOM_SEED)
    void everyProcessReadsWhatItMustWithRoom(@ForAll("steps") List<Step> steps) {
        run(Interposed.NOTHING, LARGE, steps);
    }

    @Property(edgeCases = EdgeCasesMode.NONE, afterFailure = AfterFailureMode.RANDOM_SEED, tries = TRIES_FOR_DEFECT)
    @AddLifecycleHook(ExpectShortScript.class)
    void aDefectIsFoundAndShrinksToAShortScript(@ForAll("steps") List<Step> steps) {
        run(FORGETFUL, LARGE, steps);
    }

    private static void run(Interposed between, String line, List<Step> steps) {
        BootLine boot = BootLine.parse(line);
        try (HandMachine machine =
                new HandMachine(MachineSettings.stepped(boot.pages(), boot.swapPages(), Fidelity.CORRECTED), between)) {
            new ScriptTrial(machine.kernel(), line).run(steps);
        } finally {
            Witness.forget();
        }
    }

    /** Does what {@code ./vm scenario} does with the script. */
    private static void replay(Interposed between, List<String> script) {
        List<HandMachine> machines = new ArrayList<>();
        try {
            new ScenarioFile("shrunk.ops", script)
                    .run(
                            settings -> {
                                machines.add(new HandMachine(settings, between));
                                return machines.get(0).kernel();
                            },
                            Fidelity.CORRECTED,
                            step -> {});
        } finally {
            machines.forEach(HandMachine::close);
        }
    }

    /** Passes a property that fails, if few of its steps are left, and they make a script that shows the defect. */
    static final class ExpectShortScript implements AroundPropertyHook {
        /** Write, fork, write, read show a copy; more is left where leaving out any one step alone hides it. */
        private static final int MOST_LEFT = MOST_STEPS / 8;

        @Override
        public PropertyExecutionResult aroundProperty(PropertyLifecycleContext context, PropertyExecutor property) {
            PropertyExecutionResult result = property.execute();
            if (result.status() != PropertyExecutionResult.Status.FAILED) {
                return result.mapToFailed("the defect was not found");
            }
            String message = result.throwable().orElseThrow().getMessage();
            int start = message.indexOf(ScriptTrial.IN_THE_SCRIPT);
            List<String> script = message.substring(start + ScriptTrial.IN_THE_SCRIPT.length())
                    .lines()
                    .toList();
            try {
                assertThat((List<?>) result.falsifiedParameters().orElseThrow().get(0))
                        .as(message)
                        .hasSizeLessThanOrEqualTo(MOST_LEFT);
                assertThatThrownBy(() -> replay(FORGETFUL, script)).isInstanceOf(UnmetExpectation.class);
                replay(Interposed.NOTHING, script);
            } catch (AssertionError e) {
                return result.mapToFailed(e);
            }
            return result.mapToSuccessful();
        }
    }
}
