// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import penumbra.inspect.Holder;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * What a script keeps in its own hands, so that the invariants checker can account for it. Objects go by their numbers:
 * the object core uses them again after their end.
 */
final class ScriptHoldings implements Holder {
    private final Map<Long, Integer> references = new HashMap<>();
    private final Map<Long, Integer> paging = new HashMap<>();
    private final Map<Page, Integer> wirings = new HashMap<>();
    private final Map<Page, Integer> holds = new HashMap<>();
    private final Set<Page> busied = new HashSet<>();

    @Override
    public String name() {
        return "script";
    }

    void addReference(VmObject object, int delta) {
        references.merge(object.id(), delta, Integer::sum);
    }

    void addPaging(VmObject object, int delta) {
        paging.merge(object.id(), delta, Integer::sum);
    }

    void addWiring(Page page, int delta) {
        wirings.merge(page, delta, Integer::sum);
    }

    void addHold(Page page, int delta) {
        holds.merge(page, delta, Integer::sum);
    }

    void setBusy(Page page, boolean busy) {
        if (busy) {
            busied.add(page);
        } else {
            busied.remove(page);
        }
    }

    @Override
    public int references(VmObject object) {
        return references.getOrDefault(object.id(), 0);
    }

    @Override
    public int pagingInProgress(VmObject object) {
        return paging.getOrDefault(object.id(), 0);
    }

    @Override
    public int wirings(Page page) {
        return wirings.getOrDefault(page, 0);
    }

    @Override
    public int holds(Page page) {
        return holds.getOrDefault(page, 0);
    }

    @Override
    public boolean busies(Page page) {
        return busied.contains(page);
    }
}
