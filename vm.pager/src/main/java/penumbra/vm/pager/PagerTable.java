// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.Machine;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;
import penumbra.pager.PagerStatus;
import penumbra.pager.Pagers;

/** The pagers by object type ({@code pagertab}): three of its own, and guarded foreign ones for the other types. */
final class PagerTable implements Pagers {
    private final Map<ObjectType, Pager> table = new EnumMap<>(ObjectType.class);
    private final Map<ObjectType, PagerSlot> slots = new EnumMap<>(ObjectType.class);
    private final StoreTable stores;
    private volatile @Nullable ObjectFactory objects;

    PagerTable(Machine machine, Pages pages, StoreTable stores, PagerLimits limits, List<Pager> own) {
        this.stores = stores;
        for (Pager pager : own) {
            table.put(pager.type(), pager);
        }
        for (ObjectType type : ObjectType.values()) {
            if (!table.containsKey(type)) {
                PagerSlot slot = new PagerSlot(type, machine);
                slots.put(type, slot);
                table.put(type, new GuardedPager(slot, machine, pages, limits));
            }
        }
    }

    /** Adds a foreign pager. */
    void add(Pager pager, int ranking) {
        slot(pager).add(pager, ranking);
    }

    /** Takes a foreign pager away as soon as no call of it is under way. */
    void remove(Pager pager) {
        slot(pager).remove(pager);
    }

    private PagerSlot slot(Pager pager) {
        @Nullable PagerSlot slot = slots.get(pager.type());
        if (slot == null) {
            throw new IllegalArgumentException(
                    "pager " + pager.name() + " is of type " + pager.type() + ", which has no foreign pagers");
        }
        return slot;
    }

    private Pager of(VmObject object) {
        return of(object.type());
    }

    private Pager of(ObjectType type) {
        return Objects.requireNonNull(table.get(type));
    }

    @Override
    public void setObjectFactory(@Nullable ObjectFactory objects) {
        this.objects = objects;
    }

    @Override
    public @Nullable VmObject allocate(
            ObjectType type, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        ObjectFactory factory = Objects.requireNonNull(objects, "no object core has registered itself");
        return of(type).allocate(factory, handle, bytes, prot, offset, cred);
    }

    @Override
    public void deallocate(VmObject object) {
        of(object).deallocate(object);
    }

    @Override
    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
        PagerResult result = of(object).getPages(object, pages, count, requested);
        if (result == PagerResult.OK && pages[requested].valid() != Page.ALL) {
            pages[requested].zeroInvalid(true);
        }
        return result;
    }

    @Override
    public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
        of(object).putPages(object, pages, count, flags, results);
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        return of(object).hasPage(object, pindex);
    }

    @Override
    public void pageUnswapped(Page page) {
        // Most faults are in default objects, of which no pager knows anything.
        if (page.owner() instanceof VmObject object && object.type() != ObjectType.DEFAULT) {
            of(object).pageUnswapped(page);
        }
    }

    @Override
    public boolean use(ObjectType type, String name) {
        @Nullable PagerSlot slot = slots.get(type);
        return slot != null && slot.use(name);
    }

    @Override
    public List<PagerStatus> status() {
        List<PagerStatus> lines = new ArrayList<>();
        for (PagerSlot slot : slots.values()) {
            slot.addStatus(lines);
        }
        lines.addAll(stores.status());
        return lines;
    }
}
