// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.account.Cred;
import penumbra.hw.Machine;
import penumbra.hw.ScatterList;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Pages;
import penumbra.pager.Pager;

/** The pager of scattered memory ({@code sg_pager.c}): the handle is a {@link ScatterList}. */
@Component(service = Pager.class)
public final class ScatterPager extends FictitiousPager {
    /** The pager of a machine. */
    @Activate
    public ScatterPager(@Reference Machine machine, @Reference Pages pages) {
        super(pages, machine.fidelity());
    }

    @Override
    public ObjectType type() {
        return ObjectType.SG;
    }

    @Override
    public String name() {
        return "sg";
    }

    /**
     * {@inheritDoc}
     *
     * <p>Each call makes an object: since the list never changes, several may stand for it ({@code sg_pager_alloc}).
     *
     * @return null when the handle is no list, or the list ends before the range does
     */
    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        long end = end(bytes, offset);
        if (!(handle instanceof ScatterList list) || end < 0 || end > list.pages()) {
            return null;
        }
        VmObject object = objects.allocate(ObjectType.SG, list.pages());
        object.lock().lock();
        object.setHandle(list);
        object.lock().unlock();
        return object;
    }

    @Override
    int frame(VmObject object, long pindex) {
        if (object.handle() instanceof ScatterList list) {
            return list.frame(pindex);
        }
        throw new KernelPanic("sg pager: object %d has handle %s", object.id(), Objects.toString(object.handle()));
    }

    @Override
    int memattr(VmObject object) {
        return object.memattr();
    }
}
