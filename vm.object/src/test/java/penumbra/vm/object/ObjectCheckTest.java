// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;

/** Each invariant of objects is found when it is broken, and none in a machine at rest. */
class ObjectCheckTest {
    private final Rig rig = Rig.stepped(Fidelity.CORRECTED);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private void assertFound(String message) {
        assertThat(rig.violations().messages())
                .anySatisfy(found -> assertThat(found).contains(message));
    }

    @Test
    void aMachineAtRestHasNone() {
        MemoryObject bottom = rig.charged(8);
        rig.fill(bottom, 1, 11);
        rig.shadowOf(bottom, 0, 8);
        rig.shadowOf(bottom, 2, 2);
        rig.fileObject(rig.file(2)).deallocate();

        assertThat(rig.violations().messages()).isEmpty();
        assertThat(rig.violations().isEmpty()).isTrue();
    }

    @Test
    void pagingThatNobodyHolds() {
        MemoryObject object = rig.anonymous(1);
        rig.locked(object, () -> object.pipAdd(2));
        assertFound("paging in progress is 2 at rest, 0 are held");

        Holder holder = new Holder() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public int references(VmObject any) {
                return 0;
            }

            @Override
            public int pagingInProgress(VmObject any) {
                return any == object ? 2 : 0;
            }
        };
        Violations found = new Violations();
        new ObjectCheck(rig.core, rig.swap, rig.accounting).check(found, List.of(holder));
        assertThat(found.messages()).isEmpty();
    }

    @Test
    void fewerReferencesThanShadows() {
        MemoryObject bottom = rig.anonymous(1);
        rig.shadowOf(bottom, 0, 1);
        rig.shadowOf(bottom, 0, 1);
        rig.locked(bottom, () -> {
            bottom.forgetReference();
            bottom.forgetReference();
        });
        assertFound("has 2 shadows");
    }

    @Test
    void anObjectThatNobodyRefersTo() {
        MemoryObject object = rig.anonymous(1);
        rig.locked(object, object::forgetReference);
        assertFound("is not referenced");
    }

    @Test
    void aChainWithoutEnd() {
        MemoryObject one = rig.anonymous(1);
        MemoryObject two = rig.anonymous(1);
        rig.locked(one, () -> two.linkBacking(one));
        rig.locked(two, () -> one.linkBacking(two));
        assertFound("in a chain that never ends");
    }

    @Test
    void aShadowOfAnObjectThatIsGone() {
        MemoryObject bottom = rig.anonymous(1);
        MemoryObject top = rig.anonymous(1);
        rig.locked(bottom, () -> top.linkBacking(bottom));
        rig.locked(bottom, () -> bottom.linkBacking(bottom));
        assertFound("in a chain that never ends");
    }

    @Test
    void aDeadObjectThatIsStillThere() {
        MemoryObject object = rig.anonymous(1);
        object.setFlag(ObjectFlags.DEAD);
        assertFound("has flags 2008 at rest");
    }

    @Test
    void aFileThatIsMappedOnce() {
        rig.fileObject(rig.file(1)).setFlag(ObjectFlags.ONEMAPPING);
        assertFound("mapped once, but not anonymous");
    }

    @Test
    void aFileObjectWithoutItsVnode() {
        MemoryObject object = rig.fileObject(rig.file(1));
        rig.locked(object, () -> object.file().setObject(null));
        assertFound("is not the object of its vnode");
    }

    @Test
    void aChargeThatNobodyPromised() {
        MemoryObject object = rig.anonymous(4);
        rig.locked(object, () -> object.setCharge(Rig.PAYER, PageSize.bytes(1)));
        assertFound("objects are charged 4096 bytes, 0 are reserved");
    }

    @Test
    void aChargeThatNobodyPays() {
        MemoryObject object = rig.charged(4);
        rig.locked(object, () -> object.setCharge(null, object.charge()));
        assertFound("is charged 16384 bytes to null");
    }

    @Test
    void theCountersAreThere() {
        AtomicLong sum = new AtomicLong();
        new ObjectCounters(rig.core).forEach((name, value) -> {
            assertThat(name).isIn("vm.stats.object.collapses", "vm.stats.object.bypasses");
            sum.addAndGet(1 + value);
        });
        assertThat(sum).hasValue(2);
    }
}
