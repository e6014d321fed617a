// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Pair;
import penumbra.page.QueueId;

/** A paging queue with a cursor in it, and the trie, each under the lock that guards it. */
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

    @Test
    void theTrieUnderItsLockLosesNoPage() {
        Pair.explore(() -> {
            RadixTrie trie = new RadixTrie();
            Object lock = new Object();
            Pair.run(() -> insert(trie, lock, 1, 17), () -> insert(trie, lock, 2, 273));
            for (long index : new long[] {1, 2, 17, 273}) {
                Pair.check(trie.remove(index).pindex == index, "lost " + index);
            }
            Pair.check(trie.isEmpty(), "not empty");
        });
    }

    private static void insert(RadixTrie trie, Object lock, long... indexes) {
        for (long index : indexes) {
            VmPage page = new VmPage(null, 0, 0);
            page.pindex = index;
            synchronized (lock) {
                trie.insert(page);
                Pair.check(trie.lookupGe(index) == page && trie.lookupLe(index) == page, "not found: " + index);
            }
        }
    }
}
