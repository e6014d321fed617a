// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import penumbra.hw.Machine;
import penumbra.inspect.CommandFailure;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;

/** The full check of all invariants, with everybody who is registered as a holder accounted for. */
@Component(service = CheckCommand.class)
@GogoCommand(scope = "vm", function = "check")
public final class CheckCommand {
    private final Machine machine;
    private final List<InvariantCheck> checks = new CopyOnWriteArrayList<>();
    private final List<Holder> holders = new CopyOnWriteArrayList<>();

    /** Checks this machine, as soon as its checks are there. */
    @Activate
    public CheckCommand(@Reference Machine machine) {
        this.machine = machine;
    }

    /** A subsystem's check came. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindCheck(InvariantCheck check) {
        checks.add(check);
    }

    void unbindCheck(InvariantCheck check) {
        checks.remove(check);
    }

    /** A holder came. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindHolder(Holder holder) {
        holders.add(holder);
    }

    void unbindHolder(Holder holder) {
        holders.remove(holder);
    }

    /**
     * Runs every check and prints each violation. The machine should be at rest; in one that panicked, a check that
     * needs a lock which is held for ever is given up.
     *
     * @throws CommandFailure when something does not hold, so that a script stops
     */
    @Descriptor("run all invariants checks and print every violation")
    public String check(String... words) {
        new Arguments("check", words).end();
        Answer answer = new Answer();
        int failures = 0;
        for (InvariantCheck check : checks) {
            failures += run(check, answer);
        }
        if (failures > 0) {
            System.out.println(answer);
            throw new CommandFailure("check: " + failures + " violations");
        }
        answer.line("check: %d checks, %d holders, no violations", checks.size(), holders.size());
        return answer.toString();
    }

    /** Returns how many violations there are; a check that cannot be done is one. */
    private int run(InvariantCheck check, Answer answer) {
        @Nullable Violations violations;
        try {
            violations = patience().ask(() -> {
                Violations found = new Violations();
                check.check(found, holders);
                return found;
            });
        } catch (ExecutionException e) {
            answer.line("%s: failed: %s", check.name(), e.getCause());
            return 1;
        }
        if (violations == null) {
            answer.line("%s: given up: somebody holds a lock for ever", check.name());
            return 1;
        }
        violations.messages().forEach(message -> answer.line("%s: %s", check.name(), message));
        int unkept = violations.count() - violations.messages().size();
        if (unkept > 0) {
            answer.line("%s: %d more", check.name(), unkept);
        }
        if (violations.isEmpty()) {
            answer.line("%s: holds", check.name());
        }
        return violations.count();
    }

    private Patience patience() {
        return machine.panic() == null ? Patience.ENDLESS : Patience.LONG;
    }
}
