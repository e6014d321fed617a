// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.MemorySegment;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

/** Random operations on a few owners, followed by a model that keeps every page's place in plain collections. */
class RandomOperationsTest {
    private static final int OWNERS = 4;
    private static final int SPAN = 1200;

    /** The memory that a run has. */
    enum Memory {
        /** Little enough that cached pages are taken from others all the time. */
        SMALL(TestMemory.general(Fixture.BASE + 3, 150), TestMemory.general(Fixture.BASE + 1024, 150)),
        /** Room for reservations, two of them broken by the segments' ends. */
        LARGE(TestMemory.general(Fixture.BASE - 100, 1800), TestMemory.general(1 << 19, 700));

        final MemorySegment[] segments;

        Memory(MemorySegment... segments) {
            this.segments = segments;
        }
    }

    private Fixture f;
    private Random random;
    private final List<TestOwner> owners = new ArrayList<>();
    private final List<NavigableMap<Long, Page>> resident = new ArrayList<>();
    private final List<NavigableMap<Long, Page>> cached = new ArrayList<>();
    private final Map<QueueId, List<Page>> queues = new EnumMap<>(QueueId.class);
    private final Set<Page> held = new HashSet<>();
    private final Set<Page> wired = new HashSet<>();
    private int total;

    @AfterEach
    void unlock() {
        f.close();
    }

    @ParameterizedTest
    @EnumSource
    void everyPageIsWhereTheModelSays(Memory memory) {
        long seed = System.nanoTime();
        System.out.println("operations seed " + memory + " " + seed);
        random = new Random(seed);
        f = new Fixture(Execution.STEPPED, Fidelity.CORRECTED, memory.segments);
        total = f.pages.counts().free();
        queues.put(QueueId.ACTIVE, new ArrayList<>());
        queues.put(QueueId.INACTIVE, new ArrayList<>());
        for (int i = 0; i < OWNERS; i++) {
            TestOwner owner = f.lockedOwner("owner " + i);
            owner.color = i % 2 == 0 ? i * 300 : -1;
            owner.backed = null;
            owner.size = SPAN;
            owners.add(owner);
            resident.add(new TreeMap<>());
            cached.add(new TreeMap<>());
        }
        for (int step = 0; step < 6_000; step++) {
            step();
            if (step % 50 == 0) {
                compare();
            }
        }
        for (int i = 0; i < OWNERS; i++) {
            f.pages.cacheFree(owners.get(i), 0, 0);
            forgetCached(i, 0, Long.MAX_VALUE);
            freeAll(i);
        }
        new ArrayList<>(held).forEach(Page::unhold);
        new ArrayList<>(wired).forEach(page -> page.unwire(false));
        held.clear();
        wired.clear();
        compare();
        assertThat(f.pages.counts().free()).isEqualTo(total);
    }

    private void step() {
        int o = random.nextInt(OWNERS);
        long pindex = random.nextInt(8) == 0 ? random.nextInt(SPAN) : random.nextInt(40) + 500L * random.nextInt(2);
        Page page = resident.get(o).get(pindex);
        if (page == null) {
            int missing = random.nextInt(12);
            if (missing == 0) {
                f.pages.cacheFree(owners.get(o), pindex, pindex + 20);
                forgetCached(o, pindex, pindex + 20);
            } else if (missing == 1) {
                f.pages.breakReservations(owners.get(o));
            } else {
                alloc(o, pindex);
            }
            return;
        }
        onPage(o, pindex, page);
        if (random.nextInt(400) == 0) {
            freeAll(o);
        }
    }

    private void alloc(int o, long pindex) {
        Page expected = cached.get(o).get(pindex);
        boolean possible = f.pages.counts().available() > 0;
        Page page = f.pages.alloc(owners.get(o), pindex, Alloc.INTERRUPT);
        assertThat(page != null).isEqualTo(possible);
        if (page == null) {
            return;
        }
        if (expected != null) {
            assertThat(page).isSameAs(expected);
            assertThat(page.valid()).isEqualTo(Page.ALL);
        } else {
            assertThat(page.valid()).isZero();
        }
        cached.forEach(pages -> pages.values().remove(page));
        assertThat(resident).noneMatch(pages -> pages.containsValue(page));
        page.setValid(Page.ALL);
        page.xunbusy();
        resident.get(o).put(pindex, page);
    }

    private void onPage(int o, long pindex, Page page) {
        boolean idle = !held.contains(page) && !wired.contains(page);
        switch (random.nextInt(11)) {
            case 0:
                if (!wired.contains(page)) {
                    f.pages.free(page);
                    leave(o, pindex, page);
                }
                break;
            case 1:
                page.activate();
                queue(page, QueueId.ACTIVE);
                break;
            case 2:
                page.deactivate();
                queue(page, QueueId.INACTIVE);
                break;
            case 3:
                if (page.queue() != QueueId.NONE) {
                    page.requeue();
                    queues.get(page.queue()).remove(page);
                    queues.get(page.queue()).add(page);
                }
                break;
            case 4:
                if (wired.remove(page)) {
                    page.unwire(true);
                    queue(page, QueueId.ACTIVE);
                } else {
                    page.wire();
                    wired.add(page);
                    unqueue(page);
                }
                break;
            case 5:
                if (held.remove(page)) {
                    page.unhold();
                } else {
                    page.hold();
                    held.add(page);
                }
                break;
            case 6:
            case 7:
                boolean clean = page.dirty() == 0;
                boolean done = page.tryToCache();
                assertThat(done).isEqualTo(idle && clean);
                if (done) {
                    leave(o, pindex, page);
                    cached.get(o).put(pindex, page);
                }
                break;
            case 8:
                page.makeDirty();
                break;
            case 9:
                page.undirty();
                break;
            default:
                rename(o, pindex, page);
                break;
        }
    }

    private void rename(int o, long pindex, Page page) {
        int to = random.nextInt(OWNERS);
        long newIndex = random.nextInt(SPAN);
        if (to == o || resident.get(to).containsKey(newIndex)) {
            return;
        }
        assertThat(f.pages.rename(page, owners.get(to), newIndex)).isTrue();
        if (random.nextBoolean()) {
            f.pages.renameReservation(page, owners.get(to), owners.get(o), pindex - newIndex);
        }
        resident.get(o).remove(pindex);
        resident.get(to).put(newIndex, page);
        cached.get(to).remove(newIndex);
    }

    private void freeAll(int o) {
        f.pages.freeAll(owners.get(o));
        for (Page page : resident.get(o).values()) {
            unqueue(page);
        }
        resident.get(o).clear();
    }

    private void forgetCached(int o, long start, long end) {
        cached.get(o).subMap(start, end).clear();
    }

    private void leave(int o, long pindex, Page page) {
        unqueue(page);
        resident.get(o).remove(pindex);
    }

    private void unqueue(Page page) {
        queues.values().forEach(pages -> pages.remove(page));
    }

    private void queue(Page page, QueueId id) {
        if (!wired.contains(page) && !queues.get(id).contains(page)) {
            unqueue(page);
            queues.get(id).add(page);
        }
    }

    private void compare() {
        f.check(new HolderOf(held, wired));
        int out = 0;
        int kept = 0;
        for (int o = 0; o < OWNERS; o++) {
            List<Page> listed = new ArrayList<>();
            for (Page page = owners.get(o).pages.first();
                    page != null;
                    page = owners.get(o).pages.after(page)) {
                listed.add(page);
            }
            assertThat(listed).isEqualTo(List.copyOf(resident.get(o).values()));
            out += listed.size();
            kept += cached.get(o).size();
            for (Map.Entry<Long, Page> entry : cached.get(o).entrySet()) {
                assertThat(owners.get(o).pages.findLeastCached(entry.getKey())).isSameAs(entry.getValue());
            }
            int holds = (listed.isEmpty() ? 0 : 1) + (cached.get(o).isEmpty() ? 0 : 1);
            assertThat(owners.get(o).holds.get()).isEqualTo(holds);
        }
        assertThat(f.pages.counts().cache()).isEqualTo(kept);
        assertThat(f.pages.counts().wired()).isEqualTo(wired.size());
        Set<Page> ownerless = new HashSet<>(held);
        ownerless.addAll(wired);
        ownerless.removeIf(page -> page.owner() != null);
        assertThat(f.pages.counts().free()).isEqualTo(total - out - kept - ownerless.size());
        for (Map.Entry<QueueId, List<Page>> queue : queues.entrySet()) {
            List<Page> found = new ArrayList<>();
            try (PagingQueue.Cursor cursor = f.pages.queue(queue.getKey()).scan()) {
                for (Page page = cursor.next(); page != null; page = cursor.next()) {
                    found.add(page);
                }
            }
            assertThat(found).isEqualTo(queue.getValue());
        }
    }
}
