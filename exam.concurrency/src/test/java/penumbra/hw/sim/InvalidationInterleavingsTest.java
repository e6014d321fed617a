// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;

/** The log through which shooters tell CPUs what to forget. */
@Param(name = "who", gen = ThreadIdGen.class)
@Param(name = "page", gen = IntGen.class, conf = "1:3")
public class InvalidationInterleavingsTest {
    private static final int ASID = 1;
    private static final int PAGES = 4;
    private static final int THREADS = 4;
    private static final int MOST = 16;

    private final InvalidationLog log = new InvalidationLog();
    private final Tlb[] tlbs = new Tlb[THREADS];
    private final long[] seen = new long[THREADS];
    /** By number of the announcement: its page, once it has been made. */
    private final int[] announced = new int[MOST];

    /** Made by the checker, once for each interleaving. */
    public InvalidationInterleavingsTest() {
        for (int who = 0; who < THREADS; who++) {
            tlbs[who] = new Tlb(16);
            for (int page = 1; page < PAGES; page++) {
                tlbs[who].fill(page, Tlb.keyOf(ASID), TlbEntry.of(page, Prot.RW, true));
            }
        }
    }

    /** How many announcements there were. */
    public static class Model {
        private long announcements;

        /** Announces something. */
        public long announce(int page) {
            return ++announcements;
        }

        /** Hears of all announcements. */
        public boolean follow(int who) {
            return true;
        }
    }

    @Operation
    public long announce(@Param(name = "page") int page) {
        long number = log.announce(ASID, page, page + 1);
        announced[(int) number] = page;
        return number;
    }

    /** Returns whether all is forgotten that has been announced. */
    @Operation
    public boolean follow(@Param(name = "who") int who) {
        long tail = log.tail;
        log.apply(seen[who], tail, tlbs[who]);
        seen[who] = tail;
        for (int number = 1; number <= tail; number++) {
            if (announced[number] != 0 && knows(tlbs[who], announced[number])) {
                return false;
            }
        }
        return true;
    }

    private static boolean knows(Tlb tlb, int page) {
        return tlb.lookup(page, Tlb.keyOf(ASID)) != TlbEntry.MISS;
    }

    /** Whoever reads the log to its end knows nothing any more that was announced. */
    @Validate
    public void verify() {
        for (int who = 0; who < THREADS; who++) {
            Operations.check(follow(who), "something is still known");
        }
    }

    @Test
    void whatWasAnnouncedIsForgotten() {
        Operations.explore(InvalidationInterleavingsTest.class, Model.class);
    }
}
