// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.PagerResult;

/** How a range of an object comes into memory without a fault ({@code vm_object_populate}). */
final class Population {
    private final ObjectCore core;

    Population(ObjectCore core) {
        this.core = core;
    }

    /** Makes {@code [start, end)} resident and valid; the contract is {@link MemoryObject#populate}'s. */
    boolean populate(MemoryObject object, long start, long end) {
        object.lock().assertHeld();
        Page[] request = new Page[1];
        long index = start;
        // Each page stays busy until all are there: reading the next one may drop the lock.
        while (index < end && bringIn(object, index, request)) {
            index++;
        }
        for (long done = start; done < index; done++) {
            @Nullable Page page = object.pages().lookup(done);
            if (page != null) {
                page.xunbusy();
            }
        }
        return index == end;
    }

    /** Leaves the page valid and exclusive-busy; false when there is none afterwards. */
    private boolean bringIn(MemoryObject object, long index, Page[] request) {
        Page page = core.pages().grab(object, index, Alloc.NORMAL);
        if (page.valid() == Page.ALL) {
            return true;
        }
        request[0] = page;
        PagerResult result = core.pagers().getPages(object, request, 1, 0);
        @Nullable Page found = object.pages().lookup(index);
        if (found != null && result != PagerResult.OK) {
            core.pages().free(found);
            return false;
        }
        return found != null;
    }
}
