// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import penumbra.hw.PageOfFrame;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PhysicalPage;
import penumbra.hw.Pmap;
import penumbra.hw.PmapSystem;

/** Mappings without address spaces: each page has one at most, which a test makes and marks. */
final class TestPmap implements PmapSystem {
    /** One mapping's bits. */
    static final class Mapping {
        boolean modified;
        boolean accessed;
        boolean wired;
    }

    private final PhysicalMemory memory;
    private final Map<PhysicalPage, Mapping> mappings = new ConcurrentHashMap<>();
    private PageOfFrame pages;

    TestPmap(PhysicalMemory memory) {
        this.memory = memory;
    }

    /** Maps a page, writeable or not. */
    Mapping map(PhysicalPage page, boolean writeable) {
        if (writeable) {
            page.setWriteable(true);
        }
        return mappings.computeIfAbsent(page, p -> new Mapping());
    }

    PageOfFrame pages() {
        return pages;
    }

    @Override
    public Pmap create() {
        throw new UnsupportedOperationException("no address spaces");
    }

    @Override
    public Pmap kernel() {
        throw new UnsupportedOperationException("no address spaces");
    }

    @Override
    public void setPages(PageOfFrame newPages) {
        pages = newPages;
    }

    @Override
    public void removeAll(PhysicalPage page) {
        Mapping gone = mappings.remove(page);
        if (gone != null && gone.modified) {
            page.noteModified();
        }
        if (gone != null && gone.accessed) {
            page.noteReferenced();
        }
        page.setWriteable(false);
    }

    @Override
    public void removeWrite(PhysicalPage page) {
        Mapping mapping = mappings.get(page);
        if (mapping != null && mapping.modified) {
            mapping.modified = false;
            page.noteModified();
        }
        page.setWriteable(false);
    }

    @Override
    public boolean isModified(PhysicalPage page) {
        Mapping mapping = mappings.get(page);
        return mapping != null && mapping.modified;
    }

    @Override
    public void clearModify(PhysicalPage page) {
        Mapping mapping = mappings.get(page);
        if (mapping != null) {
            mapping.modified = false;
        }
    }

    @Override
    public boolean isReferenced(PhysicalPage page) {
        Mapping mapping = mappings.get(page);
        return mapping != null && mapping.accessed;
    }

    @Override
    public int testAndClearReferenced(PhysicalPage page) {
        boolean referenced = isReferenced(page);
        if (referenced) {
            mappings.get(page).accessed = false;
        }
        return referenced ? 1 : 0;
    }

    @Override
    public boolean isMapped(PhysicalPage page) {
        return mappings.containsKey(page);
    }

    @Override
    public int wiredMappings(PhysicalPage page) {
        Mapping mapping = mappings.get(page);
        return mapping != null && mapping.wired ? 1 : 0;
    }

    @Override
    public void zeroPage(PhysicalPage page) {
        zeroPageArea(page, 0, 4096);
    }

    @Override
    public void zeroPageArea(PhysicalPage page, int offset, int length) {
        memory.zero(page.frame(), offset, length);
    }

    @Override
    public void copyPage(PhysicalPage from, PhysicalPage to) {
        memory.copy(from.frame(), to.frame());
    }

    @Override
    public String mmuName() {
        return "test";
    }

    @Override
    public List<String> mmuNames() {
        return List.of(mmuName());
    }

    @Override
    public boolean useMmu(String name) {
        return name.equals(mmuName());
    }

    @Override
    public long mmuSwitches() {
        return 0;
    }

    @Override
    public boolean optimised() {
        return false;
    }

    @Override
    public void copyPages(
            List<? extends PhysicalPage> from,
            long fromOffset,
            List<? extends PhysicalPage> to,
            long toOffset,
            int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void qenter(long address, List<? extends PhysicalPage> pages) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void qremove(long address, int count) {
        throw new UnsupportedOperationException();
    }
}
