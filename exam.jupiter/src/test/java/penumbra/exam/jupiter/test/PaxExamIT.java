// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter.test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.testkit.engine.EventConditions.abortedWithReason;
import static org.junit.platform.testkit.engine.EventConditions.displayName;
import static org.junit.platform.testkit.engine.EventConditions.event;
import static org.junit.platform.testkit.engine.EventConditions.finishedSuccessfully;
import static org.junit.platform.testkit.engine.EventConditions.finishedWithFailure;
import static org.junit.platform.testkit.engine.EventConditions.skippedWithReason;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.instanceOf;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.message;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;
import org.opentest4j.TestAbortedException;
import penumbra.exam.jupiter.PaxExam;

/** What the host reports for tests of each kind and outcome in the container. */
class PaxExamIT {
    private static EngineExecutionResults results;

    @BeforeAll
    static void run() {
        results = EngineTestKit.engine("junit-jupiter")
                .selectors(selectClass(Sample.class))
                .execute();
    }

    @Test
    void passesWhatPasses() {
        results.testEvents()
                .assertThatEvents()
                .haveExactly(1, event(displayName("runsInTheProbe(BundleContext)"), finishedSuccessfully()))
                .haveExactly(1, event(displayName("hasServices()"), finishedSuccessfully()))
                .haveExactly(1, event(displayName("runsInTheProbe()"), finishedSuccessfully()));
    }

    @Test
    void reportsAFailureWithItsTraceAndCauses() {
        Throwable failure = results.testEvents()
                .failed()
                .filter(event -> event.getTestDescriptor().getDisplayName().equals("fails()"))
                .map(event -> event.getRequiredPayload(TestExecutionResult.class))
                .findFirst()
                .orElseThrow()
                .getThrowable()
                .orElseThrow();
        assertThat(failure)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("IllegalStateException: outer")
                .hasRootCauseMessage(Sample.class.getName() + "$Unportable: inner of true");
        assertThat(failure.getStackTrace()[0].getClassName()).isEqualTo(Sample.class.getName());
        assertThat(failure.getStackTrace()[0].getMethodName()).isEqualTo("fails");
    }

    @Test
    void reportsWhatDidNotRun() {
        results.testEvents()
                .assertThatEvents()
                .haveExactly(
                        1,
                        event(
                                displayName("assumesWrongly()"),
                                abortedWithReason(
                                        instanceOf(TestAbortedException.class),
                                        message(text -> text.contains("not in the container")))))
                .haveExactly(1, event(displayName("disabled()"), skippedWithReason("on purpose")));
    }

    @Test
    void runsEachInvocationOfAParameterizedTest() {
        results.testEvents()
                .assertThatEvents()
                .haveExactly(1, event(displayName("[1] number=1"), finishedSuccessfully()))
                .haveExactly(
                        1,
                        event(displayName("[2] number=2"), finishedWithFailure(message(text -> text.contains("two")))))
                .haveExactly(1, event(displayName("[3] number=3"), finishedSuccessfully()));
    }

    @Test
    void runsAFactoryAsOneTest() {
        results.containerEvents()
                .assertThatEvents()
                .haveExactly(1, event(displayName("passingFactory()"), finishedSuccessfully()))
                .haveExactly(
                        1,
                        event(
                                displayName("failingFactory()"),
                                finishedWithFailure(message(text -> text.contains("dynamic 4")))));
    }

    @Test
    void refusesAClassWithoutAConfiguration() {
        assertThat(EngineTestKit.engine("junit-jupiter")
                        .selectors(selectClass(Unconfigured.class))
                        .execute()
                        .containerEvents()
                        .failed()
                        .stream()
                        .map(Event::getPayload))
                .singleElement()
                .asString()
                .contains("needs one @Configuration method, but has 0");
    }

    @ExtendWith(PaxExam.class)
    static class Unconfigured {
        @Test
        void cannotRun() {
            throw new AssertionError("ran without a container");
        }
    }
}
