// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/** The spaces that exist, the tags that tell them apart, and which of them ran when. */
final class SpaceList {
    private static final Logger LOG = LoggerFactory.getLogger(SpaceList.class);

    private final Machine machine;
    private final AsidPool asids = new AsidPool();
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "list of pmaps");
    private final Set<SpacePmap> spaces = new LinkedHashSet<>();
    /** Counts how often table memory ran out; tells which spaces ran since. */
    private volatile int era;

    /** No space on {@code machine}. */
    SpaceList(Machine machine) {
        this.machine = machine;
    }

    /** Takes a tag for a new space. */
    int takeAsid() {
        return asids.take();
    }

    /** Makes every TLB forget space {@code asid}, whose tables are gone, and frees the tag. */
    void recycleAsid(int asid) {
        machine.invalidateSpace(asid);
        asids.give(asid);
    }

    void add(SpacePmap pmap) {
        lock.lock();
        spaces.add(pmap);
        lock.unlock();
    }

    void remove(SpacePmap pmap) {
        lock.lock();
        spaces.remove(pmap);
        lock.unlock();
    }

    /** All of them, the oldest first. */
    List<SpacePmap> all() {
        lock.lock();
        List<SpacePmap> all = new ArrayList<>(spaces);
        lock.unlock();
        return all;
    }

    /** The number of times table memory has run out. */
    int era() {
        return era;
    }

    /** Makes room for tables: drops the unwired mappings of the space that has not run for the longest time. */
    void freeTables() {
        SpacePmap victim = leastRecentlyRun();
        LOG.debug("no frame is left for tables: dropping the mappings of space {}", victim.asid());
        victim.dropUnwired();
    }

    private SpacePmap leastRecentlyRun() {
        List<SpacePmap> candidates = all();
        nextEra();
        @Nullable SpacePmap victim = null;
        for (SpacePmap pmap : candidates) {
            if (pmap.droppable() && (victim == null || pmap.lastRun() < victim.lastRun())) {
                victim = pmap;
            }
        }
        if (victim == null) {
            throw new KernelPanic("pmap_enter: no frame is left for tables, and every mapping is wired");
        }
        return victim;
    }

    private void nextEra() {
        lock.lock();
        era++;
        lock.unlock();
    }
}
