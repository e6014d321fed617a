// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;

class InvalidationLogTest {
    private static final long ENTRY = TlbEntry.of(9, Prot.READ, false);

    private final InvalidationLog log = new InvalidationLog();
    private final Tlb tlb = new Tlb(1024);

    private void fill(int asid, long page) {
        tlb.fill(page, Tlb.keyOf(asid), ENTRY);
    }

    private boolean knows(int asid, long page) {
        return tlb.lookup(page, Tlb.keyOf(asid)) != TlbEntry.MISS;
    }

    @Test
    void appliesExactlyWhatWasAnnounced() {
        fill(1, 10);
        fill(1, 11);
        fill(1, 12);
        fill(2, 11);
        assertThat(log.announce(1, 11, 12)).isEqualTo(1);
        assertThat(log.announce(2, 500, 501)).isEqualTo(2);
        log.apply(0, 2, tlb);
        assertThat(knows(1, 10)).isTrue();
        assertThat(knows(1, 11)).isFalse();
        assertThat(knows(1, 12)).isTrue();
        assertThat(knows(2, 11)).isTrue();
    }

    @Test
    void everySpaceMeansEverything() {
        fill(1, 10);
        fill(2, 20);
        log.announce(InvalidationLog.EVERY_SPACE, 0, 1);
        log.apply(0, 1, tlb);
        assertThat(knows(1, 10)).isFalse();
        assertThat(knows(2, 20)).isFalse();
    }

    @Test
    void whoIsTooLateForgetsEverything() {
        fill(1, 10);
        fill(2, 20);
        long last = 0;
        for (int i = 0; i < 10_000; i++) {
            last = log.announce(1, 10, 11);
        }
        log.apply(0, last, tlb);
        assertThat(knows(2, 20)).isFalse();
        fill(2, 20);
        fill(1, 10);
        log.apply(last - 100, last, tlb);
        assertThat(knows(2, 20)).isTrue();
        assertThat(knows(1, 10)).isFalse();
    }

    @Test
    void aNumberThatIsNotFilledInYetMeansEverything() {
        fill(2, 20);
        log.announce(1, 10, 11);
        log.apply(0, 2, tlb);
        assertThat(knows(2, 20)).isFalse();
    }

    /** Shooters race, laps included; the reader must lose every page whose announcement it has passed. */
    @Test
    void racingShootersAreNotMissed() throws InterruptedException {
        int shooters = 4;
        int rounds = 20_000;
        AtomicLong[] done = new AtomicLong[shooters];
        Thread[] threads = new Thread[shooters];
        for (int i = 0; i < shooters; i++) {
            int asid = i + 1;
            AtomicLong announced = new AtomicLong();
            done[i] = announced;
            threads[i] = new Thread(() -> {
                for (int round = 0; round < rounds; round++) {
                    announced.set(log.announce(asid, asid * 100L, asid * 100L + 1));
                }
            });
        }
        for (Thread thread : threads) {
            thread.start();
        }
        long followed = 0;
        boolean running = true;
        while (running) {
            running = false;
            for (int i = 0; i < shooters; i++) {
                running |= threads[i].isAlive();
                fill(i + 1, (i + 1) * 100L);
            }
            long[] before = new long[shooters];
            for (int i = 0; i < shooters; i++) {
                before[i] = done[i].get();
            }
            long tail = log.tail;
            log.apply(followed, tail, tlb);
            for (int i = 0; i < shooters; i++) {
                if (before[i] > followed) {
                    assertThat(knows(i + 1, (i + 1) * 100L))
                            .as("space %d", i + 1)
                            .isFalse();
                }
            }
            followed = tail;
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(log.tail).isEqualTo((long) shooters * rounds);
    }
}
