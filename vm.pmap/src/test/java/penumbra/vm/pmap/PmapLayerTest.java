// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.SegmentUse;
import penumbra.hw.TlbEntry;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.KernelPanic;

class PmapLayerTest {
    private static final int FRAMES = 64;
    private static final int TABLES = 40;
    private static final long VA = 0x40_0000L;
    private static final long NEXT = VA + PageSize.BYTES;
    private static final long END = 1L << 47;

    private final TestMachine test =
            new TestMachine(new MemoryLayout(PageSize.bytes(FRAMES), PageSize.bytes(TABLES), 0));
    private final FrameMemory memory = test.memory;
    private final SimMachine machine = test.machine;
    private final PmapLayer layer = test.layer(new Amd64Mmu(), false);
    private final List<TestPage> pages = test.pages;
    private final Pmap pmap = layer.create();
    private final TestPage page = pages.get(0);

    @AfterEach
    void giveBack() {
        layer.detach();
        test.close();
    }

    @Test
    void enteringSetsAccessedAndModifiedIfItIsForAWrite() {
        pmap.enter(VA, Prot.READ, page, Prot.RW, false);
        assertThat(layer.isReferenced(page)).isTrue();
        assertThat(layer.isModified(page)).isFalse();
        assertThat(page.writeable).isTrue();
        pmap.walk(VA, Prot.WRITE);
        assertThat(layer.isModified(page)).isTrue();
        TestPage other = pages.get(1);
        pmap.enter(NEXT, Prot.WRITE, other, Prot.RW, false);
        assertThat(layer.isModified(other)).isTrue();
        assertThat(other.modified).isFalse();
    }

    @Test
    void enteringForAWriteNeedsTheRightToWrite() {
        assertThatThrownBy(() -> pmap.enter(VA, Prot.WRITE, page, Prot.READ, false))
                .isInstanceOf(KernelPanic.class);
    }

    @Test
    void prefaultedMappingsAreNeitherAccessedNorWriteable() {
        pmap.enterQuick(VA, page, Prot.ALL);
        assertThat(pmap.protection(VA)).isEqualTo(Prot.READ | Prot.EXECUTE);
        assertThat(layer.isReferenced(page)).isFalse();
        assertThat(page.writeable).isFalse();
        assertThat(page.executable).isTrue();
        assertThat(TlbEntry.prot(pmap.walk(VA, Prot.READ))).isEqualTo(Prot.READ | Prot.EXECUTE);
        assertThat(layer.isReferenced(page)).isTrue();
        pmap.enterQuick(VA, pages.get(1), Prot.READ);
        assertThat(pmap.extract(VA)).isEqualTo(page.frame());
    }

    @Test
    void replacingReportsToTheOldPage() {
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        pmap.enter(VA, Prot.READ, pages.get(1), Prot.READ, false);
        assertThat(page.modified).isTrue();
        assertThat(page.referenced).isTrue();
        assertThat(page.writeable).isFalse();
        assertThat(pmap.extract(VA)).isEqualTo(pages.get(1).frame());
        assertThat(pages.get(1).modified).isFalse();
        assertThat(pmap.residentCount()).isEqualTo(1);
    }

    @Test
    void theMarkOfAWriteablePageGoesWithItsLastMapping() {
        Pmap other = layer.create();
        pmap.enter(VA, Prot.READ, page, Prot.RW, false);
        other.enter(VA, Prot.READ, page, Prot.RW, false);
        pmap.remove(0, END);
        assertThat(page.writeable).isTrue();
        other.remove(0, END);
        assertThat(page.writeable).isFalse();
        pmap.enter(VA, Prot.READ, page, Prot.RW, false);
        layer.removeAll(page);
        assertThat(page.writeable).isFalse();
        assertThat(layer.isMapped(page)).isFalse();
    }

    @Test
    void removeWriteReportsAndTakesTheMark() {
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        layer.removeWrite(page);
        assertThat(page.modified).isTrue();
        assertThat(page.writeable).isFalse();
        assertThat(pmap.protection(VA)).isEqualTo(Prot.READ);
        assertThat(pmap.walk(VA, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
        assertThat(layer.isModified(page)).isFalse();
    }

    @Test
    void aPageWithoutTheMarkIsNotLookedAtUnlessItIsBusy() {
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        page.writeable = false;
        assertThat(layer.isModified(page)).isFalse();
        layer.removeWrite(page);
        assertThat(pmap.protection(VA)).isEqualTo(Prot.RW);
        page.busy = true;
        assertThat(layer.isModified(page)).isTrue();
        layer.removeWrite(page);
        assertThat(pmap.protection(VA)).isEqualTo(Prot.READ);
    }

    @Test
    void clearModifyForgets() {
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        layer.clearModify(page);
        assertThat(layer.isModified(page)).isFalse();
        assertThat(page.modified).isFalse();
        assertThat(page.writeable).isTrue();
    }

    @Test
    void adviceForgetsOrKeepsTheModifiedBit() {
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        pmap.enter(NEXT, Prot.WRITE, pages.get(1), Prot.RW, false);
        pmap.advise(VA, NEXT, false);
        pmap.advise(NEXT, NEXT + PageSize.BYTES, true);
        assertThat(page.modified).isFalse();
        assertThat(pages.get(1).modified).isTrue();
        assertThat(layer.isModified(page) || layer.isModified(pages.get(1))).isFalse();
        assertThat(layer.isReferenced(page) || layer.isReferenced(pages.get(1))).isFalse();
    }

    @Test
    void atMostFiveReferencesAreCounted() {
        for (int i = 0; i < 7; i++) {
            layer.create().enter(VA, Prot.READ, page, Prot.READ, false);
        }
        assertThat(layer.testAndClearReferenced(page)).isEqualTo(5);
        assertThat(layer.testAndClearReferenced(page)).isEqualTo(2);
        assertThat(layer.isReferenced(page)).isFalse();
    }

    @Test
    void wiringIsCountedAndChanged() {
        pmap.enter(VA, Prot.READ, page, Prot.RW, true);
        assertThat(layer.wiredMappings(page)).isEqualTo(1);
        assertThat(pmap.wiredCount()).isEqualTo(1);
        pmap.removePages();
        assertThat(pmap.residentCount()).isEqualTo(1);
        pmap.changeWiring(VA, false);
        assertThat(layer.wiredMappings(page)).isZero();
        pmap.removePages();
        assertThat(pmap.residentCount()).isZero();
        assertThatThrownBy(() -> pmap.changeWiring(VA, true)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void unmanagedPagesAreMappedAndNeverLookedFor() {
        page.managed = false;
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        assertThat(layer.isMapped(page)).isFalse();
        assertThat(layer.isModified(page)).isFalse();
        layer.removeAll(page);
        layer.removeWrite(page);
        assertThat(pmap.protection(VA)).isEqualTo(Prot.RW);
        pmap.remove(VA, NEXT);
        assertThat(page.modified || page.referenced || page.writeable).isFalse();
        assertThat(pmap.extract(VA)).isEqualTo(-1);
    }

    @Test
    void aMappingWithoutRightsLetsNothingThrough() {
        pmap.enter(VA, Prot.NONE, page, Prot.NONE, true);
        assertThat(pmap.extract(VA)).isEqualTo(page.frame());
        assertThat(pmap.protection(VA)).isEqualTo(Prot.NONE);
        assertThat(pmap.walk(VA, Prot.READ)).isEqualTo(TlbEntry.MISS);
        assertThat(pmap.walk(VA, Prot.EXECUTE)).isEqualTo(TlbEntry.MISS);
    }

    @Test
    void aSpaceIsReleasedEmpty() {
        pmap.enter(VA, Prot.READ, page, Prot.READ, false);
        assertThatThrownBy(pmap::release).isInstanceOf(KernelPanic.class);
    }

    /** More spaces than there are tags, one after the other, on a CPU that keeps what it is not told to forget. */
    @Test
    void aTagThatIsUsedAgainFindsNothingInAnyTlb() {
        Cpu cpu = machine.cpus().get(0);
        pmap.release();
        int firstTag = -1;
        boolean again = false;
        for (int round = 0; round < (1 << 16) + 10; round++) {
            Pmap space = layer.create();
            assertThat(space.asid()).isBetween(1, (1 << 16) - 1);
            again |= space.asid() == firstTag;
            firstTag = firstTag < 0 ? space.asid() : firstTag;
            TestPage mine = pages.get(round % FRAMES);
            memory.store(mine.frame(), 0, 8, round);
            space.enter(VA, Prot.READ, mine, Prot.READ, false);
            cpu.activate(space);
            cpu.enterUser();
            long seen = cpu.load(VA, 8);
            cpu.leaveUser();
            if (seen != round) {
                throw new AssertionError("round " + round + ": the CPU found " + seen);
            }
            space.remove(0, END);
            space.release();
        }
        assertThat(again).isTrue();
    }

    /** Every space needs tables of its own; together they need more than there are. */
    @Test
    void whenTablesRunOutTheLeastRecentlyRunSpaceLosesItsMappings() {
        List<Pmap> spaces = new ArrayList<>();
        pmap.enter(VA, Prot.READ, page, Prot.READ, true);
        for (int i = 0; i < 20; i++) {
            Pmap space = layer.create();
            space.enter(VA, Prot.WRITE, pages.get(i), Prot.RW, false);
            spaces.add(space);
            pmap.walk(VA, Prot.READ);
            assertThat(space.extract(VA)).isEqualTo(pages.get(i).frame());
        }
        assertThat(pmap.extract(VA)).as("wired").isEqualTo(page.frame());
        assertThat(spaces.get(0).extract(VA)).as("least recently run").isEqualTo(-1);
        assertThat(pages.get(0).modified).isTrue();
        assertThat(spaces.get(19).extract(VA)).isEqualTo(pages.get(19).frame());
        for (Pmap space : spaces) {
            for (int i = 0; i < 100; i++) {
                space.enter((long) i << 30, Prot.READ, page, Prot.READ, false);
                assertThat(space.extract((long) i << 30)).isEqualTo(page.frame());
            }
        }
    }

    @Test
    void whenOnlyWiredMappingsAreLeftTheMachinePanics() {
        assertThatThrownBy(() -> {
                    for (int i = 0; i < TABLES; i++) {
                        pmap.enter((long) i << 30, Prot.READ, page, Prot.READ, true);
                    }
                })
                .isInstanceOf(KernelPanic.class)
                .hasMessageContaining("no frame is left for tables");
    }

    @Test
    void framesAreZeroedAndCopied() {
        int from = page.frame();
        int to = pages.get(1).frame();
        memory.store(from, 4088, 8, 77);
        layer.copyPage(page, pages.get(1));
        assertThat(memory.load(to, 4088, 8)).isEqualTo(77);
        layer.zeroPageArea(page, 4088, 4);
        assertThat(memory.load(from, 4088, 8)).isZero();
        layer.zeroPage(pages.get(1));
        assertThat(memory.load(to, 4088, 8)).isZero();
    }

    @Test
    void theKernelHasASpaceOfItsOwn() {
        layer.kernel().enter(VA, Prot.NONE, page, Prot.RW, true);
        assertThat(layer.kernel().asid()).isZero();
        assertThat(pmap.extract(VA)).isEqualTo(-1);
        assertThat(layer.mmuName()).isEqualTo("amd64");
    }

    @Test
    void bytesAreCopiedAcrossPages() {
        for (int i = 0; i < 3 * PageSize.BYTES; i += 8) {
            memory.store(pages.get(i >> PageSize.SHIFT).frame(), i & PageSize.MASK, 8, i);
        }
        layer.copyPages(pages.subList(0, 3), 4000, pages.subList(10, 12), 16, 8000);
        for (int i = 0; i < 8000; i += 8) {
            int to = 16 + i;
            long found = memory.load(pages.get(10 + (to >> PageSize.SHIFT)).frame(), to & PageSize.MASK, 8);
            assertThat(found).as("byte %d", i).isEqualTo(4000 + i);
        }
        assertThat(memory.load(pages.get(11).frame(), 8016 - PageSize.BYTES, 8)).isZero();
    }

    @Test
    void theKernelMapsPagesWithoutKeepingTrackOfThem() {
        pages.get(1).memattr = MemoryAttribute.UNCACHEABLE;
        layer.qenter(VA, pages.subList(0, 2));
        assertThat(layer.kernel().protection(VA)).isEqualTo(Prot.RW);
        assertThat(memory(layer.kernel().mapping(NEXT))).isEqualTo(MemoryAttribute.UNCACHEABLE);
        layer.removeAll(page);
        assertThat(layer.kernel().extract(VA)).isEqualTo(page.frame());
        assertThat(layer.isMapped(page) || page.writeable).isFalse();
        layer.qremove(VA, 2);
        assertThat(layer.kernel().residentCount()).isZero();
        assertThat(page.modified || page.referenced).isFalse();
    }

    private static int memory(long mapping) {
        return MmuMapping.memory(MmuMapping.attributes(mapping));
    }

    @Test
    void aMappingHasThePagesMemoryAttribute() {
        page.memattr = MemoryAttribute.WRITE_COMBINING;
        pmap.enterQuick(VA, page, Prot.READ);
        assertThat(memory(pmap.mapping(VA))).isEqualTo(MemoryAttribute.WRITE_COMBINING);
        page.memattr = MemoryAttribute.WRITE_THROUGH;
        pmap.enter(VA, Prot.WRITE, page, Prot.RW, false);
        assertThat(memory(pmap.mapping(VA))).isEqualTo(MemoryAttribute.WRITE_THROUGH);
        assertThat(pmap.residentCount()).isEqualTo(1);
    }

    @Test
    void aPageIsHeldIfItsMappingAllowsTheAccess() {
        pmap.enter(VA, Prot.READ, page, Prot.READ, false);
        assertThat(pmap.extractAndHold(VA, Prot.WRITE)).isNull();
        assertThat(pmap.extractAndHold(NEXT, Prot.READ)).isNull();
        assertThat(page.holds).isZero();
        assertThat(pmap.extractAndHold(VA, Prot.READ)).isSameAs(page);
        assertThat(page.holds).isEqualTo(1);
    }

    @Test
    void aFrameWithoutPageIsNotHeld() {
        TestPage device = new TestPage(memory.segments().stream()
                .filter(segment -> segment.use() == SegmentUse.DEVICE)
                .findFirst()
                .orElseThrow()
                .firstFrame());
        device.managed = false;
        pmap.enter(VA, Prot.READ, device, Prot.READ, false);
        assertThat(pmap.extractAndHold(VA, Prot.READ)).isNull();
        assertThat(device.holds).isZero();
    }

    @Test
    void pagesOfAnObjectAreMappedWhereNothingIs() {
        pmap.enter(NEXT, Prot.WRITE, pages.get(9), Prot.RW, false);
        pmap.enterObject(VA, pages.subList(0, 3), Prot.ALL);
        assertThat(pmap.extract(NEXT)).isEqualTo(pages.get(9).frame());
        assertThat(pmap.protection(NEXT)).isEqualTo(Prot.RW);
        for (int i = 0; i < 3; i += 2) {
            assertThat(pmap.extract(VA + PageSize.bytes(i)))
                    .isEqualTo(pages.get(i).frame());
            assertThat(pmap.protection(VA + PageSize.bytes(i))).isEqualTo(Prot.READ | Prot.EXECUTE);
            assertThat(pages.get(i).executable).isTrue();
            assertThat(pages.get(i).writeable).isFalse();
        }
        assertThat(pages.get(1).executable).isFalse();
        pmap.enterObject(VA + PageSize.bytes(8), pages.subList(0, 3), Prot.WRITE);
        assertThat(pmap.residentCount()).isEqualTo(3);
    }
}
