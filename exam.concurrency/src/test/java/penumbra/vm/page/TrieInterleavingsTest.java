// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.TreeSet;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/** The pages of one owner, by trie and by list, under its lock. */
@Param(name = "place", gen = IntGen.class, conf = "0:3")
public class TrieInterleavingsTest {
    /** Pindexes that differ in the last digit, and in digits before it. */
    private static final int[] PINDEXES = {1, 2, 17, 273};

    private final OwnerOfPages owner = new OwnerOfPages(new KernelLock(LockRank.FREE_LIST, "free list"));

    /** The pindexes at which there are pages. */
    public static class Model {
        private final TreeSet<Integer> present = new TreeSet<>();

        /** Puts a page in. */
        public boolean add(int place) {
            return present.add(PINDEXES[place]);
        }

        /** Takes a page out. */
        public boolean remove(int place) {
            return present.remove(PINDEXES[place]);
        }

        /** The first pindex from a place on. */
        public int least(int place) {
            Integer found = present.ceiling(PINDEXES[place]);
            return found == null ? -1 : found;
        }

        /** The last pindex up to a place. */
        public int predecessor(int place) {
            Integer found = present.floor(PINDEXES[place]);
            return found == null ? -1 : found;
        }
    }

    private static int pindexOf(VmPage page) {
        return page == null ? -1 : (int) page.pindex;
    }

    @Operation
    public boolean add(@Param(name = "place") int place) {
        owner.lock().lock();
        try {
            int pindex = PINDEXES[place];
            boolean missing = owner.pages.find(pindex) == null;
            if (missing) {
                VmPage page = new VmPage(null, place, 0);
                page.pindex = pindex;
                owner.pages.add(page, owner.pages.predecessor(pindex));
            }
            return missing;
        } finally {
            owner.lock().unlock();
        }
    }

    @Operation
    public boolean remove(@Param(name = "place") int place) {
        owner.lock().lock();
        try {
            VmPage page = owner.pages.find(PINDEXES[place]);
            if (page != null) {
                owner.pages.remove(page);
            }
            return page != null;
        } finally {
            owner.lock().unlock();
        }
    }

    @Operation
    public int least(@Param(name = "place") int place) {
        owner.lock().lock();
        try {
            return pindexOf((VmPage) owner.pages.findLeast(PINDEXES[place]));
        } finally {
            owner.lock().unlock();
        }
    }

    @Operation
    public int predecessor(@Param(name = "place") int place) {
        owner.lock().lock();
        try {
            return pindexOf(owner.pages.predecessor(PINDEXES[place]));
        } finally {
            owner.lock().unlock();
        }
    }

    @Test
    void aSetOfPindexes() {
        Operations.explore(TrieInterleavingsTest.class, Model.class);
    }
}
