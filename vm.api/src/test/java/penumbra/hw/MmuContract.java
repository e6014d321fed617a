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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * What every {@link Mmu} must do: extend it and say how one of yours is made.
 *
 * <p>The random test compares it with a model, operation by operation: mappings, counts, reports, and that every
 * translation which a TLB may still have is one that the tables still allow.
 */
public abstract class MmuContract implements MmuReports {
    private static final int FRAMES = 24;
    private static final int SPACES = 4;
    private static final int STEPS = 1500;
    private static final int TABLES = 256;
    /** Pages of 2 MiB, which some MMUs map at once. */
    private static final int REGION = 512;
    /** Memory that two such regions lie in, wherever it begins. */
    private static final int MANY_FRAMES = 3 * REGION;

    private static final int LARGE_STEPS = 400;
    /** What is looked at singly where there are many pages. */
    private static final int SAMPLE = 24;

    private static final int MANAGED = MmuMapping.MANAGED;
    private static final int ACCESSED = MmuMapping.ACCESSED;
    private static final int MODIFIED = MmuMapping.MODIFIED;
    private static final int WIRED = MmuMapping.WIRED;

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

    private final TlbModel machine = new TlbModel();
    private final Set<Integer> modified = new HashSet<>();
    private final Set<Integer> referenced = new HashSet<>();
    private final Set<Integer> unmapped = new HashSet<>();
    private final Map<Integer, TreeMap<Long, Mapping>> model = new HashMap<>();
    private final List<MmuSpace> spaces = new ArrayList<>();
    private HeapMemory memory;
    private Mmu mmu;
    private int first;
    private int frames;
    /** Whether whole regions are mapped and changed. */
    private boolean large;

    private boolean optimised;

    /** A new MMU that serves no machine. */
    protected abstract Mmu create();

    @BeforeEach
    void attach() {
        serve(FRAMES, TABLES);
    }

    private void serve(int pages, int tables) {
        frames = pages;
        memory = new HeapMemory(pages, tables);
        first = memory.segments().get(0).firstFrame();
        mmu = create();
        mmu.attach(machine, memory, this);
        spaces.clear();
        model.clear();
        for (int asid = 0; asid < SPACES; asid++) {
            spaces.add(mmu.create(asid));
            model.put(asid, new TreeMap<>());
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

    @Test
    void hasAName() {
        assertThat(mmu.name()).isNotBlank().doesNotContain(" ");
    }

    @Test
    void anEmptySpaceMapsNothing() {
        MmuSpace space = spaces.get(1);
        assertThat(space.walk(0, Prot.READ)).isEqualTo(TlbEntry.MISS);
        assertThat(space.walk((1L << 47) - 1, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
        assertThat(space.query(0)).isEqualTo(-1);
        assertThat(space.residentCount()).isZero();
        assertThat(space.prefaultable(7)).isFalse();
        assertThat(space.changeWiring(7, true)).isFalse();
    }

    @Test
    void deviceMemoryIsManagedLikeAnyOther() {
        MemorySegment device = memory.segments().stream()
                .filter(segment -> segment.use() == SegmentUse.DEVICE)
                .findFirst()
                .orElseThrow();
        for (int frame : new int[] {device.firstFrame(), device.endFrame() - 1}) {
            spaces.get(1).enter(5, frame, Prot.RW, MANAGED);
            spaces.get(2).enter(9, frame, Prot.RW, MANAGED);
            spaces.get(2).walk(9 << PageSize.SHIFT, Prot.WRITE);
            assertThat(mmu.isMapped(frame)).isTrue();
            assertThat(mmu.isModified(frame)).isTrue();
            mmu.removeWrite(frame);
            assertThat(modified).contains(frame);
            assertThat(spaces.get(2).walk(9 << PageSize.SHIFT, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
            mmu.removeAll(frame);
            assertThat(unmapped).contains(frame);
            assertThat(mmu.isMapped(frame)).isFalse();
            assertThat(spaces.get(1).query(5)).isEqualTo(-1);
        }
    }

    @Test
    void theWalkSetsAccessedAndModified() {
        MmuSpace space = spaces.get(1);
        space.enter(5, first, Prot.RW, MANAGED);
        assertThat(space.query(5)).isEqualTo(mapping(first, Prot.RW, MANAGED));
        assertThat(mmu.isReferenced(first)).isFalse();
        long read = space.walk(5 << PageSize.SHIFT | 123, Prot.READ);
        assertThat(TlbEntry.allows(read, Prot.READ)).isTrue();
        assertThat(TlbEntry.allows(read, Prot.WRITE)).isFalse();
        assertThat(TlbEntry.allows(read, Prot.EXECUTE)).isFalse();
        assertThat(mmu.isReferenced(first)).isTrue();
        assertThat(mmu.isModified(first)).isFalse();
        long write = space.walk(5 << PageSize.SHIFT, Prot.WRITE);
        assertThat(TlbEntry.allows(write, Prot.WRITE)).isTrue();
        assertThat(mmu.isModified(first)).isTrue();
        assertThat(space.walk(5 << PageSize.SHIFT, Prot.EXECUTE)).isEqualTo(TlbEntry.MISS);
        assertThat(modified).isEmpty();
        assertThat(referenced).isEmpty();
    }

    @Test
    void removalReportsWhatTheMappingSaw() {
        spaces.get(1).enter(5, first, Prot.RW, MANAGED | ACCESSED | MODIFIED);
        spaces.get(2).enter(9, first, Prot.READ, MANAGED);
        spaces.get(3).enter(9, first + 1, Prot.READ, MANAGED | ACCESSED);
        spaces.get(3).enter(10, first + 2, Prot.RW, ACCESSED | MODIFIED);
        mmu.removeAll(first);
        assertThat(modified).containsExactly(first);
        assertThat(referenced).containsExactly(first);
        spaces.get(3).remove(0, 100);
        assertThat(modified).containsExactly(first);
        assertThat(referenced).containsExactlyInAnyOrder(first, first + 1);
        assertThat(mmu.isMapped(first)).isFalse();
        assertThat(spaces.get(1).residentCount()).isZero();
        assertThat(spaces.get(2).residentCount()).isZero();
        assertThat(spaces.get(3).residentCount()).isZero();
    }

    @Test
    void countsReferencesUpToTheLimit() {
        for (MmuSpace space : spaces) {
            space.enter(3, first, Prot.READ, MANAGED | ACCESSED);
        }
        assertThat(mmu.testAndClearReferenced(first, 3)).isEqualTo(3);
        assertThat(mmu.testAndClearReferenced(first, 3)).isEqualTo(1);
        assertThat(mmu.testAndClearReferenced(first, 3)).isZero();
    }

    @Test
    void tablesThatRunOutChangeNothing() {
        mmu.detach();
        serve(FRAMES, 8);
        MmuSpace space = spaces.get(1);
        List<Long> mapped = new ArrayList<>();
        long page = 0;
        while (space.enter(page, first, Prot.READ, MANAGED)) {
            mapped.add(page);
            page += 1L << 27;
        }
        assertThat(mapped).isNotEmpty();
        assertThat(space.query(page)).isEqualTo(-1);
        assertThat(space.residentCount()).isEqualTo(mapped.size());
        assertThat(spaces.get(2).enter(0, first, Prot.READ, MANAGED)).isFalse();
        space.remove(mapped.get(0), mapped.get(0) + 1);
        assertThat(space.enter(page, first, Prot.READ, MANAGED)).isTrue();
        assertThat(spaces.get(2).enterQuick(0, first, Prot.READ, MANAGED)).isFalse();
        space.removeUnwired();
        assertThat(space.residentCount()).isZero();
        assertThat(spaces.get(2).enter(0, first, Prot.READ, MANAGED)).isTrue();
    }

    @Test
    void tablesComeBack() {
        for (int round = 0; round < 2 * TABLES; round++) {
            MmuSpace space = spaces.get(round % SPACES);
            long page = (long) round << 20;
            assertThat(space.enter(page, first + 1, Prot.READ, MANAGED)).isTrue();
            switch (round % 4) {
                case 0 -> space.remove(page, page + 1);
                case 1 -> mmu.removeAll(first + 1);
                case 2 -> space.removeUnwired();
                default -> {
                    space.release();
                    spaces.set(round % SPACES, mmu.create(round % SPACES));
                }
            }
            assertThat(mmu.isMapped(first + 1)).isFalse();
        }
    }

    @Test
    void aProtectedRangeIsWrittenNoMoreAndForgetsNothing() {
        mmu.detach();
        serve(MANY_FRAMES, TABLES);
        optimised = true;
        MmuSpace space = spaces.get(1);
        for (int i = 0; i < 2 * REGION; i++) {
            space.enter(i, first + i, Prot.RW, MANAGED | ACCESSED | (i % 3 == 0 ? MODIFIED : 0));
        }
        space.protect(0, 2 * REGION, Prot.READ);
        for (int i = 0; i < 2 * REGION; i++) {
            assertThat(space.walk((long) i << PageSize.SHIFT, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
            assertThat(space.query(i) & Prot.ALL).isEqualTo(Prot.READ);
            boolean known = modified.contains(first + i) || mmu.isModified(first + i);
            assertThat(known).as("page %d", i).isEqualTo(i % 3 == 0);
        }
        // One page of each region can be written again, the others cannot.
        space.enter(7, first + 7, Prot.RW, MANAGED | ACCESSED | MODIFIED);
        space.enter(REGION + 9, first + 2 * REGION + 9, Prot.RW, MANAGED | ACCESSED);
        for (int i = 0; i < 2 * REGION; i++) {
            boolean again = i == 7 || i == REGION + 9;
            long entry = space.walk((long) i << PageSize.SHIFT, Prot.WRITE);
            assertThat(TlbEntry.allows(entry, Prot.WRITE)).as("page %d", i).isEqualTo(again);
        }
        for (int i = 0; i < 2 * REGION; i++) {
            mmu.removeWrite(first + i);
            assertThat(mmu.isModified(first + i)).isFalse();
            assertThat(modified.contains(first + i)).as("page %d", i).isEqualTo(i % 3 == 0 || i == 7);
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
        System.out.println("MmuContract seed " + seed);
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
            return random.nextInt(3) == 0 ? copy(random, asid) : fill(random, asid, wantModified, wantReferenced);
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
                assertThat(empty || !space.prefaultable(page)).isTrue();
                assertThat(space.enterQuick(page, frame, prot, wanted.attributes()))
                        .isEqualTo(empty);
                mine.putIfAbsent(page, wanted);
                assertThat(space.prefaultable(page)).isFalse();
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
        int attributes = ACCESSED
                | (random.nextInt(4) == 0 ? 0 : MANAGED)
                | (random.nextInt(4) == 0 ? WIRED : 0)
                | ((prot & Prot.WRITE) != 0 ? MODIFIED : 0);
        for (int i = 0; i < REGION; i++) {
            Mapping wanted = new Mapping(frame + i, prot, attributes);
            assertThat(spaces.get(asid).enter(page + i, frame + i, prot, attributes))
                    .isTrue();
            model.get(asid).merge(page + i, wanted, (old, next) -> replaced(old, next, wantModified, wantReferenced));
        }
        return "fill " + asid + " " + page + " " + frame + " " + prot + " " + attributes;
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
                check((attributes & ~ACCESSED) == (source.attributes() & MANAGED), did, "attributes of the copy", at);
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
            boolean used = (spaces.get(asid).query(at) & (long) ACCESSED << 3) != 0;
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
        boolean mayBeModified = (attributes & ACCESSED) != 0 && (prot & Prot.WRITE) != 0;
        return attributes | (mayBeModified && random.nextBoolean() ? MODIFIED : 0);
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

    private static long mapping(int frame, int prot, int attributes) {
        return (long) frame << 8 | (long) attributes << 3 | prot;
    }

    private void compare(String did) {
        int[] mapped = new int[frames];
        int[] dirty = new int[frames];
        int[] used = new int[frames];
        int[] kept = new int[frames];
        for (int asid = 0; asid < SPACES; asid++) {
            compareSpace(asid, did);
            for (Mapping each : model.get(asid).values()) {
                if (each.has(MANAGED)) {
                    int index = each.frame() - first;
                    mapped[index]++;
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
            check(space.query(page) == mapping(each.frame(), each.prot(), each.attributes()), did, "query", page);
        }
        check(order.equals(List.copyOf(mine.keySet())), did, "pages", order);
        check(space.residentCount() == mine.size(), did, "resident", space.residentCount());
        check(space.wiredCount() == wired[0], did, "wired", space.wiredCount());
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
