// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.amd64.Amd64Mmu;

/** Objects and devices that are mapped 2 MiB at a time, and a page that many spaces map. */
class LargeMappingsTest {
    private static final int REGION = 512;
    private static final long VA = 0x4000_0000L;

    private final TestMachine test = new TestMachine(4 * REGION);
    private final PmapLayer layer = test.layer(new Amd64Mmu(), true);
    private final Pmap pmap = layer.create();
    /** The first page that a large mapping can begin with. */
    private final int aligned = -test.pages.get(0).frame() & REGION - 1;

    @AfterEach
    void giveBack() {
        pmap.remove(0, 1L << 47);
        layer.detach();
        test.close();
    }

    private List<TestPage> pages(int from, int count) {
        return test.pages.subList(aligned + from, aligned + from + count);
    }

    private List<TestPage> devicePages(int from, int count) {
        List<TestPage> pages = pages(from, count);
        for (TestPage page : pages) {
            page.managed = false;
            page.memattr = MemoryAttribute.WRITE_COMBINING;
        }
        return pages;
    }

    private boolean isLarge(long address) {
        return pmap.path(address).size() == 3;
    }

    @Test
    void anObjectsPagesAreMappedByLargeMappingsWhereTheyFit() {
        pmap.enterObject(VA - PageSize.bytes(3), pages(REGION - 3, 2 * REGION + 3), Prot.ALL);
        assertThat(pmap.residentCount()).isEqualTo(2 * REGION + 3);
        assertThat(isLarge(VA)).isTrue();
        assertThat(isLarge(VA - 1)).isFalse();
        assertThat(isLarge(VA + PageSize.bytes(REGION))).isTrue();
        for (TestPage page : pages(REGION - 3, 2 * REGION + 3)) {
            assertThat(layer.isMapped(page) && page.executable).isTrue();
            assertThat(page.writeable || layer.isReferenced(page)).isFalse();
        }
        TestPage middle = pages(REGION + 7, 1).get(0);
        long entry = pmap.walk(VA + PageSize.bytes(7), Prot.READ);
        assertThat(TlbEntry.frame(entry)).isEqualTo(middle.frame());
        layer.removeAll(middle);
        assertThat(pmap.residentCount()).isEqualTo(2 * REGION + 2);
        assertThat(isLarge(VA)).isFalse();
    }

    @Test
    void pagesThatAreNotOneBehindTheOtherAreMappedSingly() {
        pages(5, 1).get(0).memattr = MemoryAttribute.UNCACHEABLE;
        pmap.enterObject(VA, pages(0, REGION), Prot.READ);
        assertThat(isLarge(VA)).isFalse();
        assertThat(pmap.residentCount()).isEqualTo(REGION);
        pmap.enterObject(VA + PageSize.bytes(2 * REGION), pages(REGION + 1, REGION), Prot.READ);
        assertThat(isLarge(VA + PageSize.bytes(2 * REGION))).isFalse();
        assertThat(pmap.residentCount()).isEqualTo(2 * REGION);
    }

    @Test
    void aDeviceIsMappedAtOnceWithTheRightsAskedFor() {
        pmap.initObject(VA, devicePages(0, 2 * REGION), Prot.RW);
        assertThat(isLarge(VA) && isLarge(VA + PageSize.bytes(REGION))).isTrue();
        assertThat(pmap.residentCount()).isEqualTo(2 * REGION);
        long mapping = pmap.mapping(VA + PageSize.bytes(REGION + 1));
        assertThat(MmuMapping.prot(mapping)).isEqualTo(Prot.RW);
        assertThat(MmuMapping.memory(MmuMapping.attributes(mapping))).isEqualTo(MemoryAttribute.WRITE_COMBINING);
        assertThat(TlbEntry.allows(pmap.walk(VA, Prot.WRITE), Prot.WRITE)).isTrue();
        pmap.remove(VA, VA + PageSize.bytes(2 * REGION));
        pmap.initObject(VA, pages(0, REGION), Prot.READ);
        assertThat(pmap.protection(VA)).isEqualTo(Prot.READ);
    }

    @Test
    void anAddressIsMovedOnlyAsFarAsLargeMappingsWant() {
        long large = PageSize.bytes(REGION);
        assertThat(pmap.alignSuperpage(VA, 0, large)).isEqualTo(VA);
        assertThat(pmap.alignSuperpage(VA + PageSize.BYTES, 0, large)).isEqualTo(VA + large);
        assertThat(pmap.alignSuperpage(VA + PageSize.BYTES, 0, large - 1)).isEqualTo(VA + PageSize.BYTES);
        assertThat(pmap.alignSuperpage(VA, PageSize.BYTES, 2 * large)).isEqualTo(VA + PageSize.BYTES);
        assertThat(pmap.alignSuperpage(VA, PageSize.BYTES, large)).isEqualTo(VA);
        try (TestMachine small = new TestMachine(1)) {
            Pmap plain = small.layer(new Amd64Mmu(), false).create();
            assertThat(plain.alignSuperpage(VA + PageSize.BYTES, 0, 2 * large)).isEqualTo(VA + PageSize.BYTES);
        }
    }

    @Test
    void aDeviceThatDoesNotFitIsLeftToFaults() {
        List<TestPage> device = devicePages(0, 2 * REGION + 1);
        pmap.initObject(VA, device.subList(0, REGION - 1), Prot.RW);
        pmap.initObject(VA, device.subList(1, REGION + 1), Prot.RW);
        pmap.initObject(VA + PageSize.BYTES, device.subList(0, REGION), Prot.RW);
        pmap.initObject(VA, List.of(), Prot.RW);
        device.get(9).memattr = MemoryAttribute.UNCACHEABLE;
        pmap.initObject(VA, device.subList(0, REGION), Prot.RW);
        assertThat(pmap.residentCount()).isZero();
    }

    @Test
    void whatIsMappedAlreadyStays() {
        List<TestPage> device = devicePages(0, 2 * REGION);
        pmap.enter(VA + PageSize.BYTES, Prot.READ, device.get(9), Prot.READ, false);
        pmap.initObject(VA, device, Prot.RW);
        assertThat(isLarge(VA)).isFalse();
        assertThat(isLarge(VA + PageSize.bytes(REGION))).isTrue();
        assertThat(pmap.extract(VA + PageSize.BYTES)).isEqualTo(device.get(9).frame());
        assertThat(pmap.residentCount()).isEqualTo(REGION + 1);
    }

    @Test
    void aSpaceIsSoughtAmongTheFirstSixteenMappings() {
        TestPage page = test.pages.get(0);
        pmap.enter(VA, Prot.READ, page, Prot.READ, false);
        assertThat(pmap.existsQuick(page)).isTrue();
        assertThat(layer.create().existsQuick(page)).isFalse();
        List<Pmap> others = new ArrayList<>(List.of(pmap));
        for (int i = 1; i < 20; i++) {
            others.add(layer.create());
            others.get(i).enter(VA, Prot.READ, page, Prot.READ, false);
        }
        assertThat(others.stream().filter(each -> each.existsQuick(page))).hasSize(16);
        others.forEach(each -> each.remove(0, 1L << 47));
        assertThat(others.stream().filter(each -> each.existsQuick(page))).isEmpty();
    }
}
