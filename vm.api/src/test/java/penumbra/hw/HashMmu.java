// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;
import java.util.function.LongPredicate;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * The smallest {@link Mmu}: one hash table of all mappings of all spaces, and one lock. For tests; it takes no table
 * frames, but has room for {@value #MAPPINGS_PER_FRAME} mappings for each that there is.
 */
public final class HashMmu implements Mmu {
    private static final int MAPPINGS_PER_FRAME = 64;
    private static final long ABSENT = MmuMapping.NONE;
    private static final long WIRED = MmuMapping.of(0, 0, MmuMapping.WIRED);
    private static final long MANAGED = MmuMapping.of(0, 0, MmuMapping.MANAGED);
    private static final long ACCESSED = MmuMapping.of(0, 0, MmuMapping.ACCESSED);
    private static final long MODIFIED = MmuMapping.of(0, 0, MmuMapping.MODIFIED);

    /** Whose mapping it is, and of which page. */
    private record Place(int asid, long page) {}

    private final KernelLock lock = new KernelLock(LockRank.PMAP, "hash mmu");
    /** A mapping is what {@link MmuSpace#query} returns; walks change its bits without the lock. */
    private final Map<Place, Long> mappings = new ConcurrentHashMap<>();

    private final Map<Integer, Set<Place>> managed = new HashMap<>();
    private @Nullable Machine machine;
    private @Nullable MmuReports reports;
    private int room;

    @Override
    public String name() {
        return "hash";
    }

    @Override
    public void attach(Machine serves, PhysicalMemory memory, MmuReports told) {
        if (machine != null) {
            throw new KernelPanic("hash mmu: serves a machine already");
        }
        machine = serves;
        reports = told;
        room = memory.segments().stream()
                .filter(segment -> segment.use() == SegmentUse.TABLES)
                .mapToInt(segment -> segment.frames() * MAPPINGS_PER_FRAME)
                .sum();
    }

    @Override
    public void detach() {
        mappings.clear();
        managed.clear();
        machine = null;
    }

    @Override
    public MmuSpace create(int asid) {
        machine();
        return new Space(asid);
    }

    private Machine machine() {
        Machine served = machine;
        if (served == null) {
            throw new KernelPanic("hash mmu: serves no machine");
        }
        return served;
    }

    private MmuReports reports() {
        MmuReports told = reports;
        if (told == null) {
            throw new KernelPanic("hash mmu: serves no machine");
        }
        return told;
    }

    private long at(Place place) {
        return mappings.getOrDefault(place, ABSENT);
    }

    private static boolean has(long mapping, long bits) {
        return (mapping & bits) == bits;
    }

    private void add(Place place, long mapping) {
        if (has(mapping, MANAGED)) {
            managed.computeIfAbsent(MmuMapping.frame(mapping), none -> new HashSet<>())
                    .add(place);
        }
        mappings.put(place, mapping);
    }

    private void drop(Place place) {
        long old = mappings.remove(place);
        if (has(old, MANAGED)) {
            Set<Place> others = managed.getOrDefault(MmuMapping.frame(old), Set.of());
            others.remove(place);
            reportModified(old);
            if (has(old, ACCESSED)) {
                reports().referenced(MmuMapping.frame(old));
            }
            if (others.isEmpty()) {
                managed.remove(MmuMapping.frame(old));
                reports().unmapped(MmuMapping.frame(old));
            }
        }
        machine().invalidatePage(place.asid(), place.page());
    }

    private void reportModified(long mapping) {
        if (has(mapping, MANAGED | MODIFIED)) {
            reports().modified(MmuMapping.frame(mapping));
        }
    }

    /** Changes a mapping that exists, reports a modified bit that it loses if {@code tell}, and shoots it down. */
    private long change(Place place, LongUnaryOperator change, boolean tell) {
        long old = at(place);
        long next = change.applyAsLong(old);
        while (next != old && !mappings.replace(place, old, next)) {
            old = at(place);
            next = change.applyAsLong(old);
        }
        if (tell && has(old & ~next, MODIFIED)) {
            reportModified(old);
        }
        if (next != old) {
            machine().invalidatePage(place.asid(), place.page());
        }
        return old;
    }

    private static long without(long mapping, int lost) {
        return (lost & Prot.WRITE) != 0 ? mapping & ~(lost | MODIFIED) : mapping & ~lost;
    }

    // All mappings of a frame.

    private List<Place> placesOf(int frame) {
        return List.copyOf(managed.getOrDefault(frame, Set.of()));
    }

    private int count(int frame, LongPredicate which) {
        lock.lock();
        int count = (int)
                placesOf(frame).stream().filter(place -> which.test(at(place))).count();
        lock.unlock();
        return count;
    }

    @Override
    public void removeAll(int frame) {
        lock.lock();
        placesOf(frame).forEach(this::drop);
        lock.unlock();
    }

    @Override
    public void removeWrite(int frame) {
        lock.lock();
        placesOf(frame).forEach(place -> change(place, old -> without(old, Prot.WRITE), true));
        lock.unlock();
    }

    @Override
    public boolean isModified(int frame) {
        return count(frame, mapping -> has(mapping, MODIFIED)) > 0;
    }

    @Override
    public void clearModify(int frame) {
        lock.lock();
        placesOf(frame).forEach(place -> change(place, old -> old & ~MODIFIED, false));
        lock.unlock();
    }

    @Override
    public boolean isReferenced(int frame) {
        return count(frame, mapping -> has(mapping, ACCESSED)) > 0;
    }

    @Override
    public int testAndClearReferenced(int frame, int max) {
        lock.lock();
        int cleared = 0;
        for (Place place : placesOf(frame)) {
            if (cleared < max && has(change(place, old -> old & ~ACCESSED, false), ACCESSED)) {
                cleared++;
            }
        }
        lock.unlock();
        return cleared;
    }

    @Override
    public boolean isMapped(int frame) {
        return count(frame, mapping -> true) > 0;
    }

    @Override
    public boolean isMappedBy(int asid, int frame, int most) {
        lock.lock();
        boolean among = placesOf(frame).stream().limit(most).anyMatch(place -> place.asid() == asid);
        lock.unlock();
        return among;
    }

    @Override
    public int wiredMappings(int frame) {
        return count(frame, mapping -> has(mapping, WIRED));
    }

    /** One space's share of the table. */
    private final class Space implements MmuSpace {
        private final int asid;

        Space(int asid) {
            this.asid = asid;
        }

        private Place place(long page) {
            return new Place(asid, page);
        }

        @Override
        public long walk(long address, int access) {
            Place place = place(PageSize.index(address));
            while (true) {
                long old = at(place);
                if (old == ABSENT || (old & access) == 0) {
                    return TlbEntry.MISS;
                }
                long used = old | ACCESSED | (access == Prot.WRITE ? MODIFIED : 0);
                if (used == old || mappings.replace(place, old, used)) {
                    return TlbEntry.of(MmuMapping.frame(used), MmuMapping.prot(used), has(used, MODIFIED | Prot.WRITE));
                }
            }
        }

        @Override
        public boolean enter(long page, int frame, int prot, int attributes) {
            Place place = place(page);
            long next = MmuMapping.of(frame, prot, attributes);
            lock.lock();
            long old = at(place);
            boolean fits = old != ABSENT || mappings.size() < room;
            if (old != ABSENT && MmuMapping.frame(old) == frame && has(old, MANAGED) == has(next, MANAGED)) {
                change(place, now -> ((now ^ next) & ~(ACCESSED | MODIFIED)) == 0 ? now | next : next, true);
            } else if (fits) {
                if (old != ABSENT) {
                    drop(place);
                }
                add(place, next);
            }
            lock.unlock();
            return fits;
        }

        @Override
        public boolean enterQuick(long page, int frame, int prot, int attributes) {
            Place place = place(page);
            lock.lock();
            boolean empty = at(place) == ABSENT && mappings.size() < room;
            if (empty) {
                add(place, MmuMapping.of(frame, prot, attributes));
            }
            lock.unlock();
            return empty;
        }

        @Override
        public long prefaultable(long start, int count) {
            long empty = 0;
            for (int i = 0; i < count && residentCount() > 0; i++) {
                empty |= at(place(start + i)) == ABSENT ? 1L << i : 0;
            }
            return empty;
        }

        /** The places of this space in a range, in ascending order. */
        private List<Place> places(long start, long end) {
            List<Place> places = new ArrayList<>();
            for (Place each : mappings.keySet()) {
                if (each.asid() == asid && each.page() >= start && each.page() < end) {
                    places.add(each);
                }
            }
            places.sort((one, other) -> Long.compare(one.page(), other.page()));
            return places;
        }

        private List<Place> places() {
            return places(0, Long.MAX_VALUE);
        }

        @Override
        public void remove(long start, long end) {
            lock.lock();
            places(start, end).forEach(HashMmu.this::drop);
            lock.unlock();
        }

        @Override
        public void removeUnwired() {
            lock.lock();
            for (Place place : places()) {
                if (!has(at(place), WIRED)) {
                    drop(place);
                }
            }
            lock.unlock();
        }

        @Override
        public void protect(long start, long end, int prot) {
            if ((prot & Prot.READ) == 0) {
                remove(start, end);
                return;
            }
            lock.lock();
            places(start, end).forEach(place -> change(place, old -> without(old, Prot.ALL & ~prot), true));
            lock.unlock();
        }

        @Override
        public boolean changeWiring(long page, boolean wired) {
            Place place = place(page);
            lock.lock();
            boolean there = at(place) != ABSENT;
            if (there) {
                change(place, old -> wired ? old | WIRED : old & ~WIRED, false);
            }
            lock.unlock();
            return there;
        }

        @Override
        public void advise(long start, long end, boolean keepModified) {
            lock.lock();
            for (Place place : places(start, end)) {
                change(place, old -> has(old, MANAGED) ? old & ~(ACCESSED | MODIFIED) : old, keepModified);
            }
            lock.unlock();
        }

        @Override
        public long query(long page) {
            return at(place(page));
        }

        @Override
        public boolean hold(long page, int prot, IntConsumer holder) {
            lock.lock();
            long mapping = at(place(page));
            boolean allowed = mapping != ABSENT && (prot & ~MmuMapping.prot(mapping)) == 0;
            if (allowed) {
                holder.accept(MmuMapping.frame(mapping));
            }
            lock.unlock();
            return allowed;
        }

        @Override
        public long residentCount() {
            return places().size();
        }

        @Override
        public long wiredCount() {
            return places().stream().filter(place -> has(at(place), WIRED)).count();
        }

        @Override
        public void forEach(MappingVisitor visitor) {
            lock.lock();
            for (Place place : places()) {
                long mapping = at(place);
                visitor.mapping(
                        place.page(),
                        MmuMapping.frame(mapping),
                        MmuMapping.prot(mapping),
                        MmuMapping.attributes(mapping));
            }
            lock.unlock();
        }

        @Override
        public void release() {
            remove(0, Long.MAX_VALUE);
        }
    }
}
