// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.PageSize;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.ResidentPages;
import penumbra.vnode.Vnode;
import penumbra.vnode.Vnodes;

/** The check that vnodes and their objects agree: links, references, holds, sizes and writers. */
@Component(service = InvariantCheck.class)
public final class VnodeInvariants implements InvariantCheck {
    private final Vnodes vnodes;

    /** Checks every vnode of {@code vnodes}. */
    @Activate
    public VnodeInvariants(@Reference Vnodes vnodes) {
        this.vnodes = vnodes;
    }

    @Override
    public String name() {
        return "vnodes";
    }

    @Override
    public void check(Violations violations) {
        for (Vnode vnode : vnodes.all()) {
            if (vnode.doomed()) {
                violations.report("vnode %s is doomed but in the table", vnode.name());
            }
            if (vnode.writeMappings() > 0 && vnode.writeCount() == 0) {
                violations.report(
                        "vnode %s has %d bytes of write mappings and no writer", vnode.name(), vnode.writeMappings());
            }
            @Nullable VmObject object = vnode.object();
            if (object != null) {
                object.lock().lock();
                checkObject(vnode, object, violations);
                object.lock().unlock();
            } else if (vnode.holdCount() != 0 || vnode.writeMappings() != 0) {
                violations.report(
                        "vnode %s has no object but %d holds and %d bytes of write mappings",
                        vnode.name(), vnode.holdCount(), vnode.writeMappings());
            }
        }
    }

    private static void checkObject(Vnode vnode, VmObject object, Violations violations) {
        if (object.type() != ObjectType.VNODE || object.handle() != vnode || object.has(ObjectFlags.DEAD)) {
            violations.report(
                    "vnode %s: object %d has type %s, handle %s, flags %#x",
                    vnode.name(), object.id(), object.type(), Objects.toString(object.handle()), object.flags());
            return;
        }
        if (vnode.useCount() < object.refCount()) {
            violations.report(
                    "vnode %s has %d uses for %d references of object %d",
                    vnode.name(), vnode.useCount(), object.refCount(), object.id());
        }
        ResidentPages pages = object.pages();
        int holds = (pages.count() > 0 ? 1 : 0) + (pages.cacheEmpty() ? 0 : 1);
        if (vnode.holdCount() != holds) {
            violations.report(
                    "vnode %s has %d holds; %d resident pages and %s cached ones want %d",
                    vnode.name(), vnode.holdCount(), pages.count(), pages.cacheEmpty() ? "no" : "some", holds);
        }
        long size = PageSize.index(PageSize.ceiling(vnode.size()));
        @Nullable Page last = pages.last();
        if (object.size() != size || (last != null && last.pindex() >= size && last.valid() != 0)) {
            violations.report(
                    "vnode %s has %d bytes but object %d has %d pages, the last at %d",
                    vnode.name(), vnode.size(), object.id(), object.size(), last == null ? -1 : last.pindex());
        }
    }
}
