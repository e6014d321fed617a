// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.hw.Cpu;
import penumbra.hw.HashMmu;
import penumbra.hw.Mmu;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;

/** One MMU takes the place of another: by order, because it left, and because it failed. */
class MmuSwitchTest {
    private static final int FRAMES = 16;
    private static final long VA = 0x40_0000L;
    private static final long END = 1L << 47;

    private final TestMachine test = new TestMachine(FRAMES);
    private final SimMachine machine = test.machine;
    private final List<TestPage> pages = test.pages;
    private final BreakableMmu amd64 = new BreakableMmu(new Amd64Mmu());
    private final Mmu hash = new HashMmu();
    private final PmapLayer layer = test.layer(amd64.mmu(), false);
    private final Pmap pmap = layer.create();

    @AfterEach
    void giveBack() {
        layer.detach();
        test.close();
    }

    private static long at(int index) {
        return VA + PageSize.bytes(index);
    }

    private static TreeMap<Long, Integer> mappings(Pmap of) {
        TreeMap<Long, Integer> found = new TreeMap<>();
        of.forEach((page, frame, prot, attributes) -> found.put(PageSize.bytes(page), frame));
        return found;
    }

    /** Maps a page of every kind. */
    private void populate() {
        pages.get(3).managed = false;
        pmap.enter(at(0), Prot.WRITE, pages.get(0), Prot.RW, false);
        pmap.enter(at(1), Prot.READ, pages.get(1), Prot.RW, false);
        pmap.enter(at(2), Prot.WRITE, pages.get(2), Prot.RW, true);
        pmap.enter(at(3), Prot.WRITE, pages.get(3), Prot.RW, false);
        pmap.enter(at(4), Prot.NONE, pages.get(4), Prot.NONE, true);
        pmap.enterQuick(at(5), pages.get(5), Prot.READ);
        layer.kernel().enter(at(6), Prot.WRITE, pages.get(6), Prot.RW, false);
    }

    @Test
    void whatFaultsDoNotBringBackIsMadeAgain() {
        populate();
        layer.addMmu(hash);
        assertThat(layer.mmuNames()).containsExactly("amd64", "hash");
        assertThat(layer.mmuName()).isEqualTo("amd64");
        assertThat(layer.useMmu("hash")).isTrue();
        assertThat(layer.mmuName()).isEqualTo("hash");
        assertThat(layer.mmuSwitches()).isEqualTo(1);
        assertThat(mappings(pmap).keySet()).containsExactly(at(2), at(3), at(4));
        assertThat(mappings(layer.kernel()).keySet()).containsExactly(at(6));
        assertThat(pmap.wiredCount()).isEqualTo(2);
        assertThat(layer.wiredMappings(pages.get(2))).isEqualTo(1);
        assertThat(pmap.protection(at(2))).isEqualTo(Prot.RW);
        assertThat(pmap.protection(at(4))).isEqualTo(Prot.NONE);
        assertThat(pmap.extract(at(3))).isEqualTo(pages.get(3).frame());
        pmap.changeWiring(at(2), false);
        layer.removeAll(pages.get(6));
        assertThat(layer.kernel().residentCount()).isZero();
    }

    @Test
    void whatTheMappingsSawGoesToThePages() {
        populate();
        layer.addMmu(hash);
        layer.useMmu("hash");
        for (int index = 0; index < 7; index++) {
            boolean written = index == 0 || index == 2 || index == 6;
            assertThat(pages.get(index).modified).as("page %d", index).isEqualTo(written);
            assertThat(pages.get(index).writeable).as("page %d", index).isEqualTo(index == 2 || index == 6);
            assertThat(pages.get(index).referenced).as("page %d", index).isEqualTo(index != 3 && index != 5);
            assertThat(layer.isModified(pages.get(index))).isFalse();
        }
        pmap.walk(at(2), Prot.WRITE);
        assertThat(layer.isModified(pages.get(2))).isTrue();
    }

    @Test
    void aCpuForgetsTheOldTranslations() {
        Cpu cpu = machine.cpus().get(0);
        machine.setTrapHandler((trapped, address, access) -> {
            pmap.enter(PageSize.floor(address), access, pages.get(1), Prot.RW, false);
            return KernReturn.SUCCESS;
        });
        pmap.enter(at(0), Prot.WRITE, pages.get(0), Prot.RW, false);
        test.memory.store(pages.get(1).frame(), 0, 8, 11);
        cpu.activate(pmap);
        cpu.enterUser();
        cpu.store(at(0), 8, 10);
        layer.addMmu(hash);
        layer.useMmu("hash");
        assertThat(cpu.load(at(0), 8)).isEqualTo(11);
        cpu.leaveUser();
    }

    @Test
    void spacesMadeAndReleasedAroundAChangeKeepTheirTags() {
        layer.addMmu(hash);
        Pmap before = layer.create();
        layer.useMmu("hash");
        Pmap after = layer.create();
        assertThat(after.asid()).isNotIn(before.asid(), pmap.asid());
        before.enter(VA, Prot.READ, pages.get(0), Prot.READ, false);
        after.enter(VA, Prot.READ, pages.get(1), Prot.READ, false);
        assertThat(before.extract(VA)).isEqualTo(pages.get(0).frame());
        before.remove(0, END);
        before.release();
        layer.useMmu("amd64");
        assertThat(after.residentCount()).isZero();
        after.release();
    }

    @Test
    void oneThatIsNotThereIsRefused() {
        layer.addMmu(hash);
        assertThat(layer.useMmu("nosuch")).isFalse();
        assertThat(layer.mmuName()).isEqualTo("amd64");
        assertThat(layer.useMmu("amd64")).isTrue();
        assertThat(layer.mmuSwitches()).isZero();
    }

    @Test
    void whenTheActiveOneLeavesAnotherServesAndWhenItReturnsItServesAgain() {
        populate();
        layer.addMmu(hash);
        layer.removeMmu(amd64.mmu());
        assertThat(layer.mmuName()).isEqualTo("hash");
        assertThat(mappings(pmap).keySet()).containsExactly(at(2), at(3), at(4));
        layer.addMmu(amd64.mmu());
        assertThat(layer.mmuName()).isEqualTo("amd64");
        assertThat(mappings(pmap).keySet()).containsExactly(at(2), at(3), at(4));
        layer.removeMmu(hash);
        assertThat(layer.mmuSwitches()).isEqualTo(2);
    }

    @Test
    void withoutAnyTheMachineHalts() {
        populate();
        assertThatThrownBy(() -> layer.removeMmu(amd64.mmu())).isInstanceOf(KernelPanic.class);
        assertThat(machine.panic()).hasMessageContaining("no MMU");
        assertThat(pages.get(0).modified).isTrue();
        assertThat(pages.get(1).modified).isFalse();
    }

    @ParameterizedTest
    @MethodSource("penumbra.vm.pmap.MmuCalls#names")
    void oneThatFailsIsReplacedAndNothingThatCouldBeModifiedIsTakenForClean(String method) {
        populate();
        layer.addMmu(hash);
        amd64.fail(method);
        MmuCalls.call(method, layer, pmap, VA, pages.get(0));
        assertThat(machine.panic()).isNull();
        assertThat(layer.mmuName()).isEqualTo("hash");
        assertThat(layer.mmuNames()).containsExactly("hash");
        assertThat(layer.useMmu("amd64")).isFalse();
        assertThat(pages.get(0).modified).isTrue();
        assertThat(pages.get(1).modified).isTrue();
        assertThat(pages.get(5).modified).isFalse();
    }

    @Test
    void aWalkThatFailsMissesUntilSomebodyReplacesTheMmu() {
        populate();
        layer.addMmu(hash);
        amd64.fail("walk");
        assertThat(pmap.walk(VA, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
        pmap.enter(VA, Prot.WRITE, pages.get(0), Prot.RW, false);
        assertThat(layer.mmuName()).isEqualTo("hash");
        assertThat(TlbEntry.allows(pmap.walk(VA, Prot.WRITE), Prot.WRITE)).isTrue();
    }

    /** The first space is the kernel's; the second is seen in part, and what was seen of it is kept. */
    @Test
    void oneThatFailsWhileItIsHarvestedLosesNoModifiedBit() {
        populate();
        layer.addMmu(hash);
        amd64.fail("forEach", 1);
        assertThat(layer.useMmu("hash")).isTrue();
        assertThat(pages.get(0).modified).isTrue();
        assertThat(pages.get(1).modified).isTrue();
        assertThat(pages.get(2).modified).isTrue();
        assertThat(pages.get(5).modified).isFalse();
        assertThat(mappings(layer.kernel()).keySet()).containsExactly(at(6));
        assertThat(pages.get(6).writeable).isTrue();
        assertThat(pages.get(0).writeable).isFalse();
        pmap.changeWiring(at(2), false);
        assertThat(layer.useMmu("amd64")).isFalse();
    }

    @Test
    void oneThatDoesNotGiveItsTablesBackIsReplacedAllTheSame() {
        populate();
        layer.addMmu(hash);
        amd64.fail("detach");
        assertThat(layer.useMmu("hash")).isTrue();
        assertThat(mappings(pmap).keySet()).containsExactly(at(2), at(3), at(4));
    }

    @ParameterizedTest
    @ValueSource(strings = {"attach", "create", "enter"})
    void oneThatCannotServeLeavesTheOldOneServing(String method) {
        populate();
        layer.addMmu(hash);
        layer.useMmu("hash");
        amd64.fail(method);
        assertThat(layer.useMmu("amd64")).isFalse();
        assertThat(layer.mmuName()).isEqualTo("hash");
        assertThat(mappings(pmap).keySet()).containsExactly(at(2), at(3), at(4));
        assertThat(layer.mmuNames()).containsExactly("hash");
        pmap.enter(at(0), Prot.WRITE, pages.get(0), Prot.RW, false);
        assertThat(layer.isModified(pages.get(0))).isTrue();
    }
}
