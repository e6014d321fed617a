// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.account.SwapAccounting;
import penumbra.hw.PageSize;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.page.Page;
import penumbra.pager.SwapSpace;
import penumbra.vnode.Vnode;

/** The invariants of objects among themselves: chains, counts, resident pages and charges. */
@Component
public final class ObjectCheck implements InvariantCheck {
    private final VmObjects objects;
    private final SwapSpace swap;
    private final SwapAccounting accounting;

    /** Checks {@code objects}, whose charges are written down in {@code accounting}. */
    @Activate
    public ObjectCheck(@Reference VmObjects objects, @Reference SwapSpace swap, @Reference SwapAccounting accounting) {
        this.objects = objects;
        this.swap = swap;
        this.accounting = accounting;
    }

    @Override
    public String name() {
        return "objects";
    }

    @Override
    public void check(Violations violations) {
        Set<VmObject> all = Collections.newSetFromMap(new IdentityHashMap<>());
        List<VmObject> inOrder = new ArrayList<>();
        objects.forEach(inOrder::add);
        all.addAll(inOrder);
        long charged = 0;
        for (VmObject object : inOrder) {
            checkChain(object, all, violations);
            checkState(object, violations);
            checkCharge(object, violations);
            object.lock().lock();
            checkPages(object, violations);
            object.lock().unlock();
            charged += object.charge();
        }
        if (charged > accounting.reserved()) {
            violations.report("objects are charged %d bytes, %d are reserved", charged, accounting.reserved());
        }
    }

    @Override
    public void check(Violations violations, List<Holder> holders) {
        check(violations);
        objects.forEach(object -> checkPaging(object, holders, violations));
    }

    private static void checkPaging(VmObject object, List<Holder> holders, Violations violations) {
        int held = 0;
        for (Holder holder : holders) {
            held += holder.pagingInProgress(object);
        }
        if (object.pagingInProgress() != held) {
            violations.report(
                    "%s: paging in progress is %d at rest, %d are held", object, object.pagingInProgress(), held);
        }
    }

    private static void checkChain(VmObject object, Set<VmObject> all, Violations violations) {
        int shadows = 0;
        for (VmObject shadow = object.firstShadow();
                shadow != null && shadows <= all.size();
                shadow = shadow.nextSibling()) {
            shadows++;
            if (shadow.backing() != object || !all.contains(shadow)) {
                violations.report(
                        "%s has %s in its list of shadows, behind which is %s", object, shadow, shadow.backing());
            }
        }
        if (shadows != object.shadowCount()) {
            violations.report("%s counts %d shadows and lists %d", object, object.shadowCount(), shadows);
        }
        if (object.refCount() < shadows) {
            violations.report("%s has %d shadows", object, shadows);
        }
        @Nullable VmObject backing = object.backing();
        if (backing != null && !listsShadow(backing, object, all.size())) {
            violations.report("%s is not among the shadows of %s", object, backing);
        }
        if (chainLength(object, all.size()) > all.size()) {
            violations.report("%s is in a chain that never ends", object);
        }
    }

    private static boolean listsShadow(VmObject backing, VmObject object, int limit) {
        int seen = 0;
        for (VmObject shadow = backing.firstShadow(); shadow != null && seen <= limit; shadow = shadow.nextSibling()) {
            if (shadow == object) {
                return true;
            }
            seen++;
        }
        return false;
    }

    private static int chainLength(VmObject object, int limit) {
        int length = 0;
        for (VmObject link = object; link != null && length <= limit; link = link.backing()) {
            length++;
        }
        return length;
    }

    private static void checkState(VmObject object, Violations violations) {
        if (object.refCount() == 0 && object.type() != ObjectType.VNODE) {
            violations.report("%s is not referenced", object);
        }
        if (object.has(ObjectFlags.DEAD | ObjectFlags.PIPWNT)) {
            violations.report("%s has flags %x at rest", object, object.flags());
        }
        if (object.has(ObjectFlags.ONEMAPPING) && !object.type().anonymous() && object.type() != ObjectType.DEAD) {
            violations.report("%s has flags %x: mapped once, but not anonymous", object, object.flags());
        }
        if (object.type() == ObjectType.VNODE && !(object.handle() instanceof Vnode file && file.object() == object)) {
            violations.report("%s is not the object of its vnode %s", object, object.handle());
        }
    }

    private void checkCharge(VmObject object, Violations violations) {
        boolean nobodysCharge = object.cred() == null && object.charge() != 0;
        if (object.charge() < 0 || (object.charge() & PageSize.MASK) != 0 || nobodysCharge) {
            violations.report("%s is charged %d bytes to %s", object, object.charge(), object.cred());
        }
    }

    private void checkPages(VmObject object, Violations violations) {
        int count = 0;
        long previous = -1;
        for (@Nullable Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            count++;
            if (page.owner() != object
                    || page.pindex() <= previous
                    || object.pages().lookup(page.pindex()) != page) {
                violations.report(
                        "%s: page %d after page %d: its owner is %s, the trie has %s",
                        object,
                        page.pindex(),
                        previous,
                        page.owner(),
                        object.pages().lookup(page.pindex()));
            }
            previous = page.pindex();
        }
        if (count != object.pages().count()) {
            violations.report(
                    "%s counts %d resident pages and lists %d",
                    object, object.pages().count(), count);
        }
        if (object.type() == ObjectType.DEFAULT && (!object.pages().cacheEmpty() || swap.pages(object) != 0)) {
            violations.report("%s: a default object has cached pages or %d pages in swap", object, swap.pages(object));
        }
    }
}
