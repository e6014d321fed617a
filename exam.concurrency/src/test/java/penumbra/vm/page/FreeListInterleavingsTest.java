// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.hw.HeapMemory;
import penumbra.page.PageFlags;
import penumbra.page.PageLimits;

/** The free lists with the cached pages: the tries of two owners, whose pages each thread may take from the other. */
@Param(name = "who", gen = ThreadIdGen.class)
public class FreeListInterleavingsTest {
    private static final int PAGES = 4;
    /** Numbers that a thread may have. */
    private static final int THREADS = 4;

    private final FreeMemory memory = new FreeMemory(
            new PageArray(null, new HeapMemory(PAGES, 1)), new Shortage(null, PageLimits.of(PAGES)), PAGES);
    private final Hand[] hands = new Hand[THREADS];
    /** By frame: how many have it. */
    private final AtomicIntegerArray users = new AtomicIntegerArray(PAGES * THREADS * THREADS);

    /** Made by the checker, once for each interleaving. */
    public FreeListInterleavingsTest() {
        for (int i = 0; i < THREADS; i++) {
            hands[i] = new Hand(memory);
        }
    }

    /** The pages that one thread has taken, and the owner for which it caches some. */
    private static final class Hand {
        final VmPage[] pages = new VmPage[PAGES];
        final OwnerOfPages owner;
        int count;

        Hand(FreeMemory memory) {
            owner = new OwnerOfPages(memory.lock());
        }
    }

    /** How many pages can be had, and how many each thread has. */
    public static class Model {
        private int available = PAGES;
        private final int[] held = new int[THREADS];

        /** Takes one. */
        public boolean take(int who) {
            boolean any = available > 0;
            if (any) {
                available--;
                held[who]++;
            }
            return any;
        }

        /** Gives one back. */
        public boolean give(int who) {
            boolean any = held[who] > 0;
            if (any) {
                held[who]--;
                available++;
            }
            return any;
        }

        /** Caches one. */
        public boolean cache(int who) {
            return give(who);
        }
    }

    @Operation
    public boolean take(@Param(name = "who") int who) {
        VmPage page = memory.take(null, 0, null, 0, 0);
        if (page == null) {
            return false;
        }
        Operations.check(users.incrementAndGet(page.frame()) == 1, "one page for two");
        page.clearFlags(PageFlags.FREE);
        hands[who].pages[hands[who].count++] = page;
        return true;
    }

    private VmPage drop(Hand hand) {
        VmPage page = hand.pages[--hand.count];
        users.decrementAndGet(page.frame());
        return page;
    }

    @Operation
    public boolean give(@Param(name = "who") int who) {
        if (hands[who].count == 0) {
            return false;
        }
        memory.give(drop(hands[who]));
        return true;
    }

    @Operation
    public boolean cache(@Param(name = "who") int who) {
        if (hands[who].count == 0) {
            return false;
        }
        VmPage page = drop(hands[who]);
        OwnerOfPages owner = hands[who].owner;
        page.pindex = page.frame();
        owner.lock().lock();
        owner.holdBacking();
        if (!memory.cache(owner.pages, page)) {
            owner.dropBacking();
        }
        owner.lock().unlock();
        return true;
    }

    /** Every page is somewhere, and an owner with cached pages holds on to where they came from. */
    @Validate
    public void verify() {
        int held = 0;
        for (Hand hand : hands) {
            held += hand.count;
            Operations.check(
                    hand.owner.holds.get() == (hand.owner.pages.cached.isEmpty() ? 0 : 1), "holds of an owner");
        }
        Operations.check(memory.available() == PAGES - held, memory.available() + " available, " + held + " held");
    }

    @Test
    void everyPageIsSomebodysOrFree() {
        Operations.explore(FreeListInterleavingsTest.class, Model.class);
    }
}
