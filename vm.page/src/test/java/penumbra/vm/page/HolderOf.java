// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.Set;
import penumbra.inspect.Holder;
import penumbra.object.VmObject;
import penumbra.page.Page;

/** Accounts for one hold of each page of a set and one wiring of each of another. */
record HolderOf(Set<Page> held, Set<Page> wired) implements Holder {
    @Override
    public String name() {
        return "test";
    }

    @Override
    public int references(VmObject object) {
        return 0;
    }

    @Override
    public int holds(Page page) {
        return held.contains(page) ? 1 : 0;
    }

    @Override
    public int wirings(Page page) {
        return wired.contains(page) ? 1 : 0;
    }
}
