// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import javax.inject.Inject;
import org.apache.felix.service.command.CommandProcessor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import penumbra.exam.jupiter.PaxExam;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.policy.Pageout;
import penumbra.process.Processes;

/**
 * The bundles that hold the machine's state: our commands leave them alone, and without them the machine ends in order.
 */
@ExtendWith(PaxExam.class)
class CoreBundlesIT {
    @Inject
    private BundleContext context;

    @Inject
    private CommandProcessor commands;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "penumbra.hw.memory",
                "penumbra.hw.sim",
                "penumbra.vm.api",
                "penumbra.vm.kern",
                "penumbra.vm.map",
                "penumbra.vm.object",
                "penumbra.vm.page",
                "penumbra.vm.pageout",
                "penumbra.vm.pager",
                "penumbra.vm.pmap",
                "penumbra.vm.vnode"
            })
    void withoutACoreBundleThereIsNoMachine(String core) throws Exception {
        Operator operator = new Operator(context, commands);
        for (String command : new String[] {"stop", "update"}) {
            assertThatThrownBy(() -> operator.command("vm:" + command + " " + core))
                    .hasRootCauseMessage(
                            command + ": " + core + " holds the machine's state and is not replaced while it runs");
        }
        FutureTask<String> replay = new FutureTask<>(() ->
                operator.command("vm replay --files generated --memory 1m --cpus 2 --swap 64m " + Shipped.LONG_SAMPLE));
        new Thread(replay, "replay").start();
        Operator.await(() -> replay.isDone() || runs());
        assertThat(replay).isNotDone();

        operator.stop(core);
        assertThat(replay).as("the replay when the bundle has stopped").isDone();
        assertThatThrownBy(replay::get)
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("vm replay: the machine was halted: core bundle " + core + " is stopped\n")
                .hasMessageNotContaining("\tat ");
        assertThatThrownBy(() -> operator.command("vm replay --files generated " + Shipped.SAMPLE))
                .hasMessageContaining("vm replay: there is no machine: core bundle " + core + " is stopped\n")
                .hasMessageNotContaining("\tat ");

        operator.start(core);
        Operator.await(() -> context.getServiceReference(Pageout.class) != null);
        assertThat(operator.service(Processes.class).all()).isEmpty();
        Violations violations = new Violations();
        for (InvariantCheck check : operator.services(InvariantCheck.class)) {
            check.check(violations, operator.services(Holder.class));
        }
        assertThat(violations.messages()).isEmpty();
        assertThat(operator.command("vm replay --files generated --memory 512k --swap 64m " + Shipped.SAMPLE))
                .contains("every byte as expected, all invariants hold");
    }

    @Test
    void replaceableBundlesAreStoppedStartedAndUpdatedByName() {
        Operator operator = new Operator(context, commands);
        String name = "penumbra.pager.device";
        assertThat(operator.command("vm:stop " + name)).isEqualTo(name + ": stopped");
        assertThat(operator.isActive(name)).isFalse();
        assertThat(operator.command("vm:start " + name)).isEqualTo(name + ": started");
        assertThat(operator.command("vm:update " + name)).isEqualTo(name + ": updated");
        assertThat(operator.isActive(name)).isTrue();
        operator.command("felix:stop " + name);
        assertThat(operator.isActive(name)).isFalse();
        operator.command("felix:start " + operator.bundle(name).getBundleId());
        assertThat(operator.isActive(name)).isTrue();
        assertThatThrownBy(() -> operator.command("vm:stop nosuch"))
                .hasRootCauseMessage("stop: there is no bundle \"nosuch\"; lb -s lists all names");
        assertThatThrownBy(() -> operator.command("vm:stop penumbra.lab"))
                .hasRootCauseMessage(
                        "stop: penumbra.lab is used by this command and is not replaced while the machine runs");
        assertThatThrownBy(() -> operator.command("vm:stop org.apache.felix.scr"))
                .hasStackTraceContaining("stop: org.apache.felix.scr is used by penumbra.");
    }

    /** Whether programs are in the middle of something. */
    private boolean runs() {
        @Nullable ServiceReference<Processes> reference = context.getServiceReference(Processes.class);
        @Nullable Processes processes = reference == null ? null : context.getService(reference);
        return processes != null
                && !processes.all().isEmpty()
                && processes.faults().total() > 100;
    }
}
