// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

/** A paging queue with cursors in it; each thread has some pages of its own there, and meets all that stay. */
@Param(name = "who", gen = ThreadIdGen.class)
public class QueueInterleavingsTest {
    private static final int THREADS = 4;
    /** Pages that are always there. */
    private static final int STAYING = 2;
    /** Frames of a thread's own pages: its number times this, and those behind. */
    private static final int OWN = 10;

    private final PageQueue queue = new PageQueue(null, QueueId.INACTIVE, 2);
    private final VmPage[] staying = new VmPage[STAYING];
    private final VmPage[][] own = new VmPage[THREADS][OWN];
    private final int[] lengths = new int[THREADS];

    /** Made by the checker, once for each interleaving. */
    public QueueInterleavingsTest() {
        for (int i = 0; i < STAYING; i++) {
            staying[i] = new VmPage(null, i, 0);
            queue.addLast(staying[i]);
        }
        for (int who = 0; who < THREADS; who++) {
            for (int i = 0; i < OWN; i++) {
                own[who][i] = new VmPage(null, who * OWN + STAYING + i, 0);
            }
        }
    }

    /** How many pages of its own each thread has on the queue. */
    public static class Model {
        private final int[] lengths = new int[THREADS];

        /** Adds one. */
        public int add(int who) {
            return ++lengths[who];
        }

        /** Takes the last one off. */
        public int remove(int who) {
            return lengths[who] == 0 ? 0 : lengths[who]--;
        }

        /** Moves the first one to the tail. */
        public boolean requeue(int who) {
            return lengths[who] > 0;
        }

        /** How many are met: all that stay. */
        public int scan() {
            return STAYING;
        }

        /** Whether all that stay are counted. */
        public boolean length() {
            return true;
        }
    }

    @Operation
    public int add(@Param(name = "who") int who) {
        queue.addLast(own[who][lengths[who]]);
        return ++lengths[who];
    }

    @Operation
    public int remove(@Param(name = "who") int who) {
        if (lengths[who] == 0) {
            return 0;
        }
        queue.remove(own[who][lengths[who] - 1]);
        return lengths[who]--;
    }

    @Operation
    public boolean requeue(@Param(name = "who") int who) {
        if (lengths[who] == 0) {
            return false;
        }
        queue.moveToTail(own[who][0]);
        return true;
    }

    @Operation
    public int scan() {
        return meet(staying);
    }

    /** How often the pages are met that are looked for. */
    private int meet(VmPage[] wanted) {
        int met = 0;
        try (PagingQueue.Cursor cursor = queue.scan()) {
            for (var page = cursor.next(); page != null; page = cursor.next()) {
                for (VmPage one : wanted) {
                    met += page == one ? 1 : 0;
                }
            }
        }
        return met;
    }

    @Operation
    public boolean length() {
        return queue.length() >= STAYING;
    }

    /** Nobody is lost, nor anybody's cursor left. */
    @Validate
    public void verify() {
        int found = meet(staying);
        for (int who = 0; who < THREADS; who++) {
            int mine = meet(own[who]);
            Operations.check(mine == lengths[who], "met " + mine + " of " + lengths[who]);
            found += mine;
        }
        Operations.check(found == queue.length(), "met " + found + " of " + queue.length());
    }

    @Test
    void aCursorMeetsEveryPageThatStays() {
        Operations.explore(QueueInterleavingsTest.class, Model.class);
    }
}
