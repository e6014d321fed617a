// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;

class TlbTest {
    private static final long LAST_PAGE = (1L << 35) - 1;
    private static final int LAST_ASID = 65535;

    private final Tlb tlb = new Tlb(64);

    private long lookup(int asid, long page) {
        return tlb.lookup(page, Tlb.keyOf(asid));
    }

    private void fill(int asid, long page, long entry) {
        tlb.fill(page, Tlb.keyOf(asid), entry);
    }

    @Test
    void anEmptyOneMissesEverything() {
        assertThat(lookup(0, 0)).isEqualTo(TlbEntry.MISS);
        assertThat(lookup(LAST_ASID, LAST_PAGE)).isEqualTo(TlbEntry.MISS);
    }

    @Test
    void tellsSpacesAndPagesApartAtTheirLimits() {
        fill(LAST_ASID, LAST_PAGE, TlbEntry.of(5, Prot.READ, false));
        assertThat(TlbEntry.frame(lookup(LAST_ASID, LAST_PAGE))).isEqualTo(5);
        for (int bit = 0; bit < 16; bit++) {
            assertThat(lookup(LAST_ASID ^ 1 << bit, LAST_PAGE)).isEqualTo(TlbEntry.MISS);
        }
        for (int bit = 0; bit < 35; bit++) {
            assertThat(lookup(LAST_ASID, LAST_PAGE ^ 1L << bit)).isEqualTo(TlbEntry.MISS);
        }
    }

    /** It may forget at any time, but what it still knows is what was filled in last and not forgotten since. */
    @RepeatedTest(3)
    void neverKnowsWhatItShouldHaveForgotten() {
        long seed = System.nanoTime();
        System.out.println("TlbTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Map<Long, Long> model = new HashMap<>();
        int known = 0;
        for (int step = 0; step < 20_000; step++) {
            int asid = random.nextInt(4) * (LAST_ASID / 3);
            long page = random.nextInt(200) + (random.nextBoolean() ? LAST_PAGE - 400 : 0);
            long end = page + 1 + random.nextInt(random.nextBoolean() ? 4 : 150);
            switch (random.nextInt(40)) {
                case 0 -> {
                    tlb.forgetAll();
                    model.clear();
                }
                case 1, 2, 3 -> {
                    tlb.forget(asid, page, end);
                    model.keySet().removeIf(key -> key >= key(asid, page) && key < key(asid, end));
                }
                default -> {
                    long entry = TlbEntry.of(step, 1 + random.nextInt(7), random.nextBoolean());
                    fill(asid, page, entry);
                    model.put(key(asid, page), entry);
                }
            }
            long looked = random.nextInt(200) + (random.nextBoolean() ? LAST_PAGE - 400 : 0);
            long entry = lookup(asid, looked);
            if (entry != TlbEntry.MISS) {
                known++;
                assertThat(entry).as("seed %d step %d", seed, step).isEqualTo(model.get(key(asid, looked)));
            }
        }
        assertThat(known).as("hits").isGreaterThan(100);
    }

    private static long key(int asid, long page) {
        return (long) asid << 40 | page;
    }
}
