// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** An {@link Mmu} that serves a machine without CPUs, some spaces of it, and what it has reported. */
public abstract class MmuRig implements MmuReports {
    static final int FRAMES = 24;
    static final int SPACES = 4;
    static final int TABLES = 256;
    /** Pages of 2 MiB, which some MMUs map at once. */
    static final int REGION = 512;
    /** Memory that two such regions lie in, wherever it begins. */
    static final int MANY_FRAMES = 3 * REGION;

    static final int MANAGED = MmuMapping.MANAGED;
    static final int ACCESSED = MmuMapping.ACCESSED;
    static final int MODIFIED = MmuMapping.MODIFIED;
    static final int WIRED = MmuMapping.WIRED;

    final TlbModel machine = new TlbModel();
    final Set<Integer> modified = new HashSet<>();
    final Set<Integer> referenced = new HashSet<>();
    final Set<Integer> unmapped = new HashSet<>();
    final List<MmuSpace> spaces = new ArrayList<>();
    HeapMemory memory;
    Mmu mmu;
    int first;
    int frames;
    boolean optimised;

    /** A new MMU that serves no machine. */
    protected abstract Mmu create();

    /** The {@link MemoryAttribute} that a mapping gets which is to have {@code wanted}: itself, or a stricter one. */
    protected int kept(int wanted) {
        return wanted;
    }

    @BeforeEach
    void attach() {
        serve(FRAMES, TABLES);
    }

    /** Serves a machine of {@code pages} and {@code tables} frames, with empty spaces. */
    void serve(int pages, int tables) {
        frames = pages;
        memory = new HeapMemory(pages, tables);
        first = memory.segments().get(0).firstFrame();
        mmu = create();
        mmu.attach(machine, memory, this);
        spaces.clear();
        for (int asid = 0; asid < SPACES; asid++) {
            spaces.add(mmu.create(asid));
        }
    }

    @AfterEach
    void detach() {
        mmu.detach();
    }

    @Override
    public void modified(int frame) {
        modified.add(frame);
    }

    @Override
    public void referenced(int frame) {
        referenced.add(frame);
    }

    @Override
    public void unmapped(int frame) {
        unmapped.add(frame);
    }

    @Override
    public boolean optimised() {
        return optimised;
    }

    /** The first frame of general memory that a large mapping can begin with. */
    int largeFrame() {
        return (first + REGION - 1) & -REGION;
    }
}
