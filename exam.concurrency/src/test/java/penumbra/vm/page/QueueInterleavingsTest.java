// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Pair;
import penumbra.page.QueueId;

/** A paging queue with a cursor in it. */
class QueueInterleavingsTest {
    @Test
    void aCursorMeetsEveryPageThatStays() {
        Pair.explore(() -> {
            PageQueue queue = new PageQueue(null, QueueId.INACTIVE);
            VmPage[] pages = new VmPage[3];
            for (int i = 0; i < pages.length; i++) {
                pages[i] = new VmPage(null, i, 0);
                queue.addLast(pages[i]);
            }
            int[] met = new int[pages.length];
            Pair.run(
                    () -> {
                        try (var cursor = queue.scan()) {
                            for (var page = cursor.next(); page != null; page = cursor.next()) {
                                met[page.frame()]++;
                            }
                        }
                    },
                    () -> {
                        queue.moveToTail(pages[0]);
                        queue.remove(pages[1]);
                    });
            Pair.check(met[2] == 1 && met[0] >= 1 && met[1] <= 1, met[0] + " " + met[1] + " " + met[2]);
            Pair.check(queue.length() == 2, "length " + queue.length());
        });
    }
}
