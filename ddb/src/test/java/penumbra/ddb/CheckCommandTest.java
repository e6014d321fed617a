// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;

class CheckCommandTest {
    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    /** A check that always finds {@code count} faults. */
    private record Failing(int count) implements InvariantCheck {
        @Override
        public String name() {
            return "lamps";
        }

        @Override
        public void check(Violations violations) {
            for (int i = 0; i < count; i++) {
                violations.report("lamp %d is out", i);
            }
        }
    }

    /** A check that knows of one reference to {@code object} that some holder must have. */
    private record Referenced(VmObject object) implements InvariantCheck {
        @Override
        public String name() {
            return "references";
        }

        @Override
        public void check(Violations violations) {
            check(violations, List.of());
        }

        @Override
        public void check(Violations violations, List<Holder> holders) {
            int held = holders.stream()
                    .mapToInt(holder -> holder.references(object))
                    .sum();
            if (held != 1) {
                violations.report("object %d: %d references held, 1 expected", object.id(), held);
            }
        }
    }

    /** One reference to one object. */
    private record HolderOf(VmObject object) implements Holder {
        @Override
        public String name() {
            return "test";
        }

        @Override
        public int references(VmObject asked) {
            return asked == object ? 1 : 0;
        }
    }

    @Test
    void saysWhatHolds() {
        rig.touch(rig.program("sh", 8), 1);
        int checks = rig.kernel.checks().size();
        assertThat(rig.lines("check"))
                .hasSize(checks + 1)
                .last()
                .isEqualTo("check: " + checks + " checks, 0 holders, no violations");
        assertThat(rig.lines("check").subList(0, checks)).allMatch(line -> line.endsWith(": holds"));
    }

    @Test
    void asksTheHolders() {
        VmObject object = rig.kernel.objects().allocate(ObjectType.DEFAULT, 4);
        rig.check.bindCheck(new Referenced(object));
        // The maps know of nobody who refers to it either.
        assertThat(rig.failure("check")).isEqualTo("check: 2 violations");
        assertThat(rig.printed()).contains("references: object " + object.id() + ": 0 references held, 1 expected\n");

        HolderOf holder = new HolderOf(object);
        rig.check.bindHolder(holder);
        assertThat(rig.run("check")).endsWith(", 1 holders, no violations");

        rig.check.unbindHolder(holder);
        assertThat(rig.failure("check")).isEqualTo("check: 2 violations");
        object.deallocate();
    }

    @Test
    void printsViolationsAndFails() {
        Failing check = new Failing(2);
        rig.check.bindCheck(check);
        assertThat(rig.failure("check")).isEqualTo("check: 2 violations");
        assertThat(rig.printed()).contains("lamps: lamp 0 is out\nlamps: lamp 1 is out\n");

        rig.check.unbindCheck(check);
        assertThat(rig.run("check")).endsWith("no violations");
    }

    @Test
    void countsWhatItDoesNotPrint() {
        rig.check.bindCheck(new Failing(5_000));
        assertThat(rig.failure("check")).isEqualTo("check: 5000 violations");
        assertThat(rig.printed().lines())
                .hasSize(Answer.LIMIT + 1)
                .last()
                .asString()
                .startsWith("... and ");
    }

    @Test
    void aCheckThatFailsIsAViolation() {
        InvariantCheck broken = new InvariantCheck() {
            @Override
            public String name() {
                return "broken";
            }

            @Override
            public void check(Violations violations) {
                throw new KernelPanic("assertHeld: no");
            }
        };
        rig.check.bindCheck(broken);
        assertThat(rig.failure("check")).isEqualTo("check: 1 violations");
        assertThat(rig.printed()).contains("broken: failed: penumbra.kern.KernelPanic: assertHeld: no");
    }

    @Test
    void aPanickedMachineCanBeChecked() {
        rig.touch(rig.program("sh", 8), 1);
        rig.kernel.machine().halt(new KernelPanic("here"));
        assertThat(rig.run("check")).endsWith("no violations");
    }

    @Test
    void takesNoArguments() {
        assertThat(rig.failure("check objects")).contains("too many arguments");
    }
}
