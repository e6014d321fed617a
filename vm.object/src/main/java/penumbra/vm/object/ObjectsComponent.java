// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PmapSystem;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/** The object core as a service; while it is there, pagers make their objects with it. */
@Component(service = VmObjects.class, configurationPid = "penumbra.vm.object")
@Designate(ocd = ObjectsConfig.class)
public final class ObjectsComponent implements VmObjects {
    private final ObjectCore core;
    private final Pagers pagers;

    /** Starts an object core over the machine's services. */
    @Activate
    public ObjectsComponent(
            @Reference Machine machine,
            @Reference PmapSystem pmaps,
            @Reference Pages pages,
            @Reference Pagers pagers,
            @Reference SwapSpace swap,
            @Reference SwapAccounting accounting,
            ObjectsConfig config) {
        this.pagers = pagers;
        core = new ObjectCore(machine, pmaps, pages, pagers, swap, accounting);
        core.setOldMsync(config.old_msync());
        pagers.setObjectFactory(core);
    }

    @Modified
    void modified(ObjectsConfig config) {
        core.setOldMsync(config.old_msync());
    }

    @Deactivate
    void deactivate() {
        pagers.setObjectFactory(null);
    }

    @Override
    public VmObject allocate(ObjectType type, long pages) {
        return core.allocate(type, pages);
    }

    @Override
    public VmObject named(ObjectType type, Object handle, long pages) {
        return core.named(type, handle, pages);
    }

    @Override
    public VmObject kernelObject() {
        return core.kernelObject();
    }

    @Override
    public VmObject kmemObject() {
        return core.kmemObject();
    }

    @Override
    public VmObject shadow(@Nullable VmObject source, long offset, long length) {
        return core.shadow(source, offset, length);
    }

    @Override
    public VmObject split(VmObject object, long offset, long length) {
        return core.split(object, offset, length);
    }

    @Override
    public void flush(VmObject object, Page[] run, int count, int flags, int requested, PageoutFlush result) {
        core.flush(object, run, count, flags, requested, result);
    }

    @Override
    public void forEach(Consumer<VmObject> visitor) {
        core.forEach(visitor);
    }

    @Override
    public @Nullable VmObject find(long id) {
        return core.find(id);
    }

    @Override
    public long collapses() {
        return core.collapses();
    }

    @Override
    public long bypasses() {
        return core.bypasses();
    }
}
