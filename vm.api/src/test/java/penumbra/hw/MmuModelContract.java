// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;

/**
 * An {@link Mmu} against a model, operation by operation: mappings, counts, reports, and that every translation which a
 * TLB may still have is one that the tables still allow.
 */
public abstract class MmuModelContract extends MmuRig {
    /** How many times as long as usual. */
    private static final int EFFORT = Integer.getInteger("penumbra.effort", 1);

    private static final int STEPS = 500 * EFFORT;
    private static final int LARGE_STEPS = 150 * EFFORT;
    /** What is looked at singly where there are many pages. */
    private static final int SAMPLE = 24;

    /** One mapping as it should be. */
    private record Mapping(int frame, int prot, int attributes) {
        boolean has(int bits) {
            return (attributes & bits) == bits;
        }

        Mapping with(int bits) {
            return new Mapping(frame, prot, attributes | bits);
        }

        Mapping without(int bits) {
            return new Mapping(frame, prot, attributes & ~bits);
        }

        Mapping limitedTo(int limit) {
            return new Mapping(frame, prot & limit, attributes);
        }
    }

    private final Map<Integer, TreeMap<Long, Mapping>> model = new HashMap<>();
    /** Whether whole regions are mapped and changed. */
    private boolean large;

    @BeforeEach
    void forgetEverything() {
        for (int asid = 0; asid < SPACES; asid++) {
            model.put(asid, new TreeMap<>());
        }
    }

    @RepeatedTest(4)
    void doesWhatTheModelDoes() {
        compareWithTheModel(STEPS);
    }

    @RepeatedTest(2)
    void doesWhatTheModelDoesWhenOptimised() {
        optimised = true;
        compareWithTheModel(STEPS);
    }

    @RepeatedTest(4)
    void doesWhatTheModelDoesWithManyPages() {
        mmu.detach();
        serve(MANY_FRAMES, TABLES);
        optimised = true;
        large = true;
        compareWithTheModel(LARGE_STEPS);
    }

    private void compareWithTheModel(int steps) {
        long seed = Long.getLong("penumbra.seed", System.nanoTime());
        System.out.println(getClass().getSimpleName() + " seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int step = 0; step < steps; step++) {
            modified.clear();
            referenced.clear();
            unmapped.clear();
            Set<Integer> before = mapped();
            Set<Integer> wantModified = new HashSet<>();
            Set<Integer> wantReferenced = new HashSet<>();
            String did = "seed " + seed + " step " + step + ": " + act(random, wantModified, wantReferenced);
            findKept(wantModified);
            assertThat(modified).as(did).isEqualTo(wantModified);
            assertThat(referenced).as(did).isEqualTo(wantReferenced);
            before.removeAll(mapped());
            assertThat(unmapped).as(did).containsAll(before);
            compare(did);
        }
    }

    /** The frames with managed mappings. */
    private Set<Integer> mapped() {
        Set<Integer> frames = new HashSet<>();
        for (TreeMap<Long, Mapping> each : model.values()) {
            for (Mapping mapping : each.values()) {
                if (mapping.has(MANAGED)) {
                    frames.add(mapping.frame());
                }
            }
        }
        return frames;
    }

    /** One random operation on both; returns its description. */
    private String act(SplittableRandom random, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        int asid = random.nextInt(SPACES);
        MmuSpace space = spaces.get(asid);
        TreeMap<Long, Mapping> mine = model.get(asid);
        if (large && random.nextInt(3) == 0) {
            return switch (random.nextInt(5)) {
                case 0, 1 -> copy(random, asid);
                case 2 -> enterLarge(random, asid);
                default -> fill(random, asid, wantModified, wantReferenced);
            };
        }
        boolean whole = large && random.nextInt(3) == 0;
        long page = page(random) & (whole ? -REGION : -1);
        long end = page + (whole ? REGION : 1 + (random.nextInt(4) == 0 ? random.nextInt(1 << 19) : random.nextInt(6)));
        int frame = first + random.nextInt(frames);
        int prot = random.nextInt(8) == 0 ? Prot.NONE : Prot.READ | random.nextInt(8);
        Mapping wanted = new Mapping(frame, prot, attributes(random, frame, prot));
        switch (random.nextInt(16)) {
            case 0, 1, 2, 3 -> {
                assertThat(space.enter(page, frame, prot, wanted.attributes())).isTrue();
                mine.merge(page, wanted, (old, next) -> replaced(old, next, wantModified, wantReferenced));
                return "enter " + asid + " " + page + " " + wanted;
            }
            case 4 -> {
                boolean empty = !mine.containsKey(page);
                assertThat(empty || space.prefaultable(page, 1) == 0).isTrue();
                assertThat(space.enterQuick(page, frame, prot, wanted.attributes()))
                        .isEqualTo(empty);
                mine.putIfAbsent(page, wanted);
                assertThat(space.prefaultable(page, 3) & 1).isZero();
                return "enterQuick " + asid + " " + page + " " + wanted;
            }
            case 5, 6, 7, 8 -> {
                int access = 1 << random.nextInt(3);
                walk(asid, page, access);
                return "walk " + asid + " " + page + " " + access;
            }
            case 9 -> {
                space.remove(page, end);
                drop(mine.subMap(page, end), wantModified, wantReferenced);
                return "remove " + asid + " " + page + " " + end;
            }
            case 10 -> {
                int limit = random.nextInt(8);
                space.protect(page, end, limit);
                protect(mine.subMap(page, end), limit, optimised, wantModified, wantReferenced);
                return "protect " + asid + " " + page + " " + end + " " + limit;
            }
            case 11 -> {
                boolean wire = random.nextBoolean();
                assertThat(space.changeWiring(page, wire)).isEqualTo(mine.containsKey(page));
                mine.computeIfPresent(page, (key, old) -> wire ? old.with(WIRED) : old.without(WIRED));
                return "changeWiring " + asid + " " + page + " " + wire;
            }
            case 12 -> {
                boolean keep = random.nextBoolean();
                space.advise(page, end, keep);
                forget(mine.subMap(page, end), keep, wantModified);
                return "advise " + asid + " " + page + " " + end + " " + keep;
            }
            case 13 -> {
                mmu.removeWrite(frame);
                for (TreeMap<Long, Mapping> each : model.values()) {
                    each.replaceAll((key, old) -> of(old, frame) ? limited(old, ~Prot.WRITE, wantModified) : old);
                }
                return "removeWrite " + frame;
            }
            case 14 -> {
                return clear(random, frame);
            }
            default -> {
                return rarer(random, asid, frame, wantModified, wantReferenced);
            }
        }
    }

    /** Maps a whole region to consecutive frames, so that it can become one mapping. */
    private String fill(SplittableRandom random, int asid, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        long page = page(random) & -REGION;
        int frame = (first + random.nextInt(REGION) & -REGION) + REGION;
        int prot = random.nextBoolean() ? Prot.RW : Prot.READ | random.nextInt(8);
        int attributes = regionAttributes(random, prot) | ACCESSED;
        for (int i = 0; i < REGION; i++) {
            Mapping wanted = new Mapping(frame + i, prot, attributes);
            assertThat(spaces.get(asid).enter(page + i, frame + i, prot, attributes))
                    .isTrue();
            model.get(asid).merge(page + i, wanted, (old, next) -> replaced(old, next, wantModified, wantReferenced));
        }
        return "fill " + asid + " " + page + " " + frame + " " + prot + " " + attributes;
    }

    private int regionAttributes(SplittableRandom random, int prot) {
        return (random.nextInt(4) == 0 ? 0 : MANAGED)
                | (random.nextInt(4) == 0 ? WIRED : 0)
                | ((prot & Prot.WRITE) != 0 ? ACCESSED | MODIFIED : 0)
                | memory(random);
    }

    /** Enters a large mapping, if the MMU has any and likes to. */
    private String enterLarge(SplittableRandom random, int asid) {
        long page = page(random) & -REGION;
        int prot = Prot.READ | random.nextInt(8);
        int attributes = regionAttributes(random, prot);
        boolean possible = spaces.get(asid).largeSize() == REGION;
        boolean entered = possible && spaces.get(asid).enterLarge(page, largeFrame(), prot, attributes);
        String did = "enterLarge " + asid + " " + page + " " + prot + " " + attributes + ": " + entered;
        for (int i = 0; entered && i < REGION; i++) {
            Mapping wanted = new Mapping(largeFrame() + i, prot, attributes);
            check(model.get(asid).putIfAbsent(page + i, wanted) == null, did, "replaced", page + i);
        }
        return did;
    }

    /** Copies whatever the MMU likes to: all of it must be in the source, and nothing is replaced. */
    private String copy(SplittableRandom random, int from) {
        int to = (from + 1 + random.nextInt(SPACES - 1)) % SPACES;
        long page = page(random) & -REGION;
        long end = page + REGION * (1 + random.nextInt(2));
        spaces.get(to).copy(spaces.get(from), page, end);
        String did = "copy " + from + " to " + to + " " + page + " " + end;
        spaces.get(to).forEach((at, frame, prot, attributes) -> {
            Mapping source = model.get(from).get(at);
            if (!model.get(to).containsKey(at)) {
                check(at >= page && at < end && source != null && source.frame() == frame, did, "copied", at);
                check(prot == (source.prot() & ~Prot.WRITE), did, "rights of the copy", at);
                int lasting = source.attributes() & ~(ACCESSED | MODIFIED | WIRED);
                check((attributes & ~ACCESSED) == lasting, did, "attributes of the copy", at);
                model.get(to).put(at, new Mapping(frame, prot, attributes));
            }
        });
        return did;
    }

    /** A mapping that was write-protected may keep its modified bit or have it reported, sooner or later. */
    private void findKept(Set<Integer> wantModified) {
        for (int asid = 0; optimised && asid < SPACES; asid++) {
            TreeMap<Long, Mapping> mine = model.get(asid);
            spaces.get(asid).forEach((page, frame, prot, attributes) -> {
                Mapping old = mine.get(page);
                if (old != null
                        && old.has(MODIFIED)
                        && (old.prot() & Prot.WRITE) == 0
                        && (attributes & MODIFIED) == 0) {
                    mine.put(page, old.without(MODIFIED));
                    if (old.has(MANAGED)) {
                        wantModified.add(frame);
                    }
                }
            });
        }
    }

    private String clear(SplittableRandom random, int frame) {
        if (random.nextBoolean()) {
            mmu.clearModify(frame);
            model.values().forEach(each -> each.replaceAll((key, old) -> of(old, frame) ? old.without(MODIFIED) : old));
            return "clearModify " + frame;
        }
        int accessed = mmu.testAndClearReferenced(frame, Integer.MAX_VALUE);
        assertThat(accessed).isEqualTo(count(frame, ACCESSED));
        model.values().forEach(each -> each.replaceAll((key, old) -> of(old, frame) ? old.without(ACCESSED) : old));
        return "testAndClearReferenced " + frame;
    }

    private String rarer(
            SplittableRandom random, int asid, int frame, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        MmuSpace space = spaces.get(asid);
        TreeMap<Long, Mapping> mine = model.get(asid);
        switch (random.nextInt(8)) {
            case 0 -> {
                space.removeUnwired();
                report(mine, false, wantModified, wantReferenced);
                mine.values().removeIf(old -> !old.has(WIRED));
                return "removeUnwired " + asid;
            }
            case 1 -> {
                space.release();
                drop(mine, wantModified, wantReferenced);
                machine.invalidateSpace(asid);
                spaces.set(asid, mmu.create(asid));
                return "release " + asid;
            }
            default -> {
                mmu.removeAll(frame);
                for (TreeMap<Long, Mapping> each : model.values()) {
                    for (Mapping old : each.values()) {
                        if (of(old, frame)) {
                            seen(old, wantModified, wantReferenced);
                        }
                    }
                    each.values().removeIf(old -> of(old, frame));
                }
                return "removeAll " + frame;
            }
        }
    }

    private void walk(int asid, long page, int access) {
        long entry = spaces.get(asid).walk(page << PageSize.SHIFT | 77, access);
        Mapping mapping = model.get(asid).get(page);
        if (mapping == null || (mapping.prot() & access) == 0) {
            assertThat(entry).isEqualTo(TlbEntry.MISS);
            return;
        }
        assertThat(TlbEntry.allows(entry, access)).isTrue();
        assertThat(TlbEntry.frame(entry)).isEqualTo(mapping.frame());
        machine.fill(asid, page, entry);
        model.get(asid).put(page, mapping.with(access == Prot.WRITE ? ACCESSED | MODIFIED : ACCESSED));
        if (optimised) {
            findUsedWith(asid, page, mapping);
        }
    }

    /** A mapping of a whole region has one accessed bit: what continues the walked mapping may count as used, too. */
    private void findUsedWith(int asid, long page, Mapping walked) {
        long start = page & -REGION;
        model.get(asid).subMap(start, start + REGION).replaceAll((at, old) -> {
            boolean continues = old.frame() - walked.frame() == at - page && old.prot() == walked.prot();
            boolean used = (MmuMapping.attributes(spaces.get(asid).query(at)) & ACCESSED) != 0;
            return continues && used ? old.with(ACCESSED) : old;
        });
    }

    /** Pages in a few clusters, so that tables fill, empty and share upper tables. */
    private long page(SplittableRandom random) {
        if (large) {
            return (random.nextBoolean() ? 0 : 3L << 18) + random.nextInt(2 * REGION);
        }
        long cluster = new long[] {0, 1L << 9, 3L << 18, 5L << 27, 255L << 27}[random.nextInt(5)];
        return cluster + random.nextInt(12);
    }

    private int attributes(SplittableRandom random, int frame, int prot) {
        int attributes = (frame - first) % 5 == 0 ? 0 : MANAGED;
        attributes |= random.nextInt(4) == 0 ? WIRED : 0;
        attributes |= random.nextBoolean() ? ACCESSED : 0;
        attributes |= memory(random);
        boolean mayBeModified = (attributes & ACCESSED) != 0 && (prot & Prot.WRITE) != 0;
        return attributes | (mayBeModified && random.nextBoolean() ? MODIFIED : 0);
    }

    private int memory(SplittableRandom random) {
        return random.nextInt(4) == 0 ? MmuMapping.ofMemory(kept(random.nextInt(4))) : 0;
    }

    private static boolean of(Mapping mapping, int frame) {
        return mapping.frame() == frame && mapping.has(MANAGED);
    }

    private int count(int frame, int bits) {
        return (int) model.values().stream()
                .flatMap(each -> each.values().stream())
                .filter(mapping -> of(mapping, frame) && mapping.has(bits))
                .count();
    }

    private static void seen(Mapping old, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        if (old.has(MANAGED | MODIFIED)) {
            wantModified.add(old.frame());
        }
        if (old.has(MANAGED | ACCESSED)) {
            wantReferenced.add(old.frame());
        }
    }

    private static Mapping replaced(Mapping old, Mapping next, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        int bits = ACCESSED | MODIFIED;
        if (old.without(bits).equals(next.without(bits))) {
            return old.with(next.attributes() & bits);
        }
        if (old.frame() == next.frame() && old.has(MANAGED) && next.has(MANAGED)) {
            if (old.has(MODIFIED) && !next.has(MODIFIED)) {
                wantModified.add(old.frame());
            }
            return next;
        }
        seen(old, wantModified, wantReferenced);
        return next;
    }

    private static void report(
            Map<Long, Mapping> gone, boolean wired, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        for (Mapping old : gone.values()) {
            if (wired || !old.has(WIRED)) {
                seen(old, wantModified, wantReferenced);
            }
        }
    }

    private static void drop(Map<Long, Mapping> gone, Set<Integer> wantModified, Set<Integer> wantReferenced) {
        report(gone, true, wantModified, wantReferenced);
        gone.clear();
    }

    private static void protect(
            Map<Long, Mapping> range,
            int limit,
            boolean keeping,
            Set<Integer> wantModified,
            Set<Integer> wantReferenced) {
        if ((limit & Prot.READ) == 0) {
            drop(range, wantModified, wantReferenced);
        } else if (keeping) {
            range.replaceAll((key, old) -> old.limitedTo(limit));
        } else {
            range.replaceAll((key, old) -> limited(old, limit, wantModified));
        }
    }

    private static Mapping limited(Mapping old, int limit, Set<Integer> wantModified) {
        boolean losesWrite = (limit & Prot.WRITE) == 0;
        if (losesWrite && old.has(MANAGED | MODIFIED)) {
            wantModified.add(old.frame());
        }
        return losesWrite ? old.without(MODIFIED).limitedTo(limit) : old.limitedTo(limit);
    }

    private static void forget(Map<Long, Mapping> range, boolean keep, Set<Integer> wantModified) {
        range.replaceAll((key, old) -> {
            if (keep && old.has(MANAGED | MODIFIED)) {
                wantModified.add(old.frame());
            }
            return old.has(MANAGED) ? old.without(ACCESSED | MODIFIED) : old;
        });
    }

    private void compare(String did) {
        int[] mapped = new int[frames];
        int[] dirty = new int[frames];
        int[] used = new int[frames];
        int[] kept = new int[frames];
        int[] owners = new int[frames];
        for (int asid = 0; asid < SPACES; asid++) {
            compareSpace(asid, did);
            for (Mapping each : model.get(asid).values()) {
                if (each.has(MANAGED)) {
                    int index = each.frame() - first;
                    mapped[index]++;
                    owners[index] |= 1 << asid;
                    dirty[index] += each.has(MODIFIED) ? 1 : 0;
                    used[index] += each.has(ACCESSED) ? 1 : 0;
                    kept[index] += each.has(WIRED) ? 1 : 0;
                }
            }
        }
        int stride = Math.max(1, frames / SAMPLE);
        for (int i = Math.floorMod(did.hashCode(), stride); i < frames; i += stride) {
            int frame = first + i;
            check(mmu.isMapped(frame) == mapped[i] > 0, did, "mapped", frame);
            check(mmu.isModified(frame) == dirty[i] > 0, did, "modified", frame);
            check(mmu.isReferenced(frame) == used[i] > 0, did, "accessed", frame);
            check(mmu.wiredMappings(frame) == kept[i], did, "wired", frame);
            for (int asid = 0; asid < SPACES; asid++) {
                boolean mine = (owners[i] >> asid & 1) != 0;
                check(mmu.isMappedBy(asid, frame, Integer.MAX_VALUE) == mine, did, "mapped by " + asid, frame);
            }
        }
        machine.entries().forEach((tag, entry) -> checkCached(tag, entry, did));
    }

    private void compareSpace(int asid, String did) {
        MmuSpace space = spaces.get(asid);
        TreeMap<Long, Mapping> mine = model.get(asid);
        List<Long> order = new ArrayList<>();
        long[] wired = {0};
        space.forEach((page, frame, prot, attributes) -> {
            Mapping found = new Mapping(frame, prot, attributes);
            check(found.equals(mine.get(page)), did, "mapping at " + page, found);
            wired[0] += (attributes & WIRED) != 0 ? 1 : 0;
            order.add(page);
        });
        int stride = Math.max(1, mine.size() / SAMPLE);
        for (int i = Math.floorMod(did.hashCode(), stride); i < order.size(); i += stride) {
            long page = order.get(i);
            Mapping each = mine.get(page);
            check(space.query(page) == MmuMapping.of(each.frame(), each.prot(), each.attributes()), did, "query", page);
            checkHold(space, page, each, did);
        }
        check(order.equals(List.copyOf(mine.keySet())), did, "pages", order);
        check(space.residentCount() == mine.size(), did, "resident", space.residentCount());
        check(space.wiredCount() == wired[0], did, "wired", space.wiredCount());
    }

    private static void checkHold(MmuSpace space, long page, Mapping mapping, String did) {
        int prot = (int) page + did.hashCode() & Prot.ALL;
        boolean allowed = (prot & ~mapping.prot()) == 0;
        int[] held = {0};
        check(space.hold(page, prot, frame -> held[0] += frame) == allowed, did, "hold for " + prot, page);
        check(held[0] == (allowed ? mapping.frame() : 0), did, "held", held[0]);
    }

    /** A CPU may go on using {@code entry} without asking: the tables must allow everything that it allows. */
    private void checkCached(TlbModel.Tag tag, long entry, String did) {
        Mapping mapping = model.get(tag.asid()).get(tag.page());
        check(mapping != null && mapping.frame() == TlbEntry.frame(entry), did, "stale translation", tag);
        check((TlbEntry.prot(entry) & ~mapping.prot()) == 0, did, "translation with lost rights", tag);
        check(mapping.has(ACCESSED), did, "translation that is not accessed", tag);
        boolean mayWrite = TlbEntry.allows(entry, Prot.WRITE);
        check(!mayWrite || mapping.has(MODIFIED), did, "translation that writes and is not modified", tag);
    }

    private static void check(boolean ok, String did, String what, Object value) {
        if (!ok) {
            throw new AssertionError(did + ": " + what + " " + value);
        }
    }
}
