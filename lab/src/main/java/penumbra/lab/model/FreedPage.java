// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A page whose process has said that it does not need the contents any more: until it is stored to, the system may
 * replace them by what lies under the mapping, at a moment of its own choice. So there are several possible contents,
 * and what a load finds rules some of them out.
 */
final class FreedPage {
    private final List<PageBytes> possible = new ArrayList<>();
    private final PageBytes original;
    private boolean reclaimable = true;

    FreedPage(PageBytes kept, PageBytes original) {
        this.original = original;
        possible.add(original);
        possible.add(kept);
    }

    private FreedPage(FreedPage other) {
        this.original = other.original;
        this.reclaimable = other.reclaimable;
        possible.addAll(other.possible);
    }

    /** What a fork gives the child; the users of the pages are counted. */
    FreedPage inherited() {
        possible.stream().filter(page -> !page.isOriginal()).forEach(PageBytes::addUser);
        return new FreedPage(this);
    }

    /** All contents that are possible now. */
    List<PageBytes> possible() {
        return possible;
    }

    /** The contents, once there is only one possibility for good. */
    boolean isSettled() {
        return possible.size() == 1 && (!reclaimable || possible.get(0) == original);
    }

    /** The process says again that it does not need the contents. */
    void freeAgain() {
        reclaimable = true;
        if (!possible.contains(original)) {
            possible.add(original);
        }
    }

    /** After a store to all possible contents, given anew: none can vanish any more. */
    void stored(List<PageBytes> changed) {
        reclaimable = false;
        possible.clear();
        possible.addAll(changed);
    }

    /** Keeps the contents that a load has not ruled out, and returns the others. */
    List<PageBytes> narrow(List<PageBytes> matching) {
        List<PageBytes> ruledOut = new ArrayList<>(possible);
        ruledOut.removeAll(matching);
        possible.retainAll(matching);
        if (reclaimable && ruledOut.remove(original)) {
            possible.add(original);
        }
        return ruledOut;
    }
}
