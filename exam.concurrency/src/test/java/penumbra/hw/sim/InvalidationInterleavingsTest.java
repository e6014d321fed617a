// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Pair;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;

/** The log through which shooters tell CPUs what to forget. */
class InvalidationInterleavingsTest {
    private static final int ASID = 1;

    private static Tlb tlb() {
        Tlb tlb = new Tlb(16);
        for (long page = 1; page <= 2; page++) {
            tlb.fill(page, Tlb.tagOf(ASID), Tlb.saltOf(ASID), TlbEntry.of((int) page, Prot.RW, true));
        }
        return tlb;
    }

    private static boolean knows(Tlb tlb, long page) {
        return tlb.lookup(page, Tlb.tagOf(ASID), Tlb.saltOf(ASID)) != TlbEntry.MISS;
    }

    @Test
    void aCpuForgetsWhatWasAnnouncedBeforeItLooked() {
        Pair.explore(() -> {
            InvalidationLog log = new InvalidationLog();
            Tlb tlb = tlb();
            Pair.run(
                    () -> {
                        log.announce(ASID, 1, 2);
                        log.announce(ASID, 2, 3);
                    },
                    () -> {
                        long seen = 0;
                        while (seen < 2) {
                            long tail = log.tail;
                            log.apply(seen, tail, tlb);
                            seen = tail;
                            Pair.check(seen < 1 || !knows(tlb, 1), "page 1 after " + seen);
                            Pair.check(seen < 2 || !knows(tlb, 2), "page 2 after " + seen);
                        }
                    });
        });
    }

    @Test
    void twoShootersAreBothHeard() {
        Pair.explore(() -> {
            InvalidationLog log = new InvalidationLog();
            Tlb tlb = tlb();
            long[] numbers = new long[2];
            Pair.run(() -> numbers[0] = log.announce(ASID, 1, 2), () -> numbers[1] = log.announce(ASID, 2, 3));
            Pair.check(numbers[0] + numbers[1] == 3, numbers[0] + " and " + numbers[1]);
            log.apply(0, log.tail, tlb);
            Pair.check(!knows(tlb, 1) && !knows(tlb, 2), "something is still known");
        });
    }
}
