// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import java.util.Objects;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.account.Cred;
import penumbra.hw.Machine;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.inspect.CounterSource;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;
import penumbra.vnode.Vnode;

/** The pager of objects that are files ({@code vnode_pager.c}): the handle is the {@link Vnode}. */
@Component(service = {Pager.class, CounterSource.class})
public final class VnodePager implements Pager, CounterSource {
    private final PagerCounts counts = new PagerCounts();
    private final PageIn pageIn;
    private final PageOut pageOut;

    /** The pager of a machine. */
    @Activate
    public VnodePager(@Reference Machine machine, @Reference PhysicalMemory memory, @Reference Pages pages) {
        Transfers transfers = new Transfers(memory);
        Complaints complaints = new Complaints();
        this.pageIn = new PageIn(pages, transfers, counts, complaints);
        this.pageOut = new PageOut(transfers, counts, complaints, machine.fidelity());
    }

    @Override
    public ObjectType type() {
        return ObjectType.VNODE;
    }

    @Override
    public String name() {
        return "vnode";
    }

    /**
     * {@inheritDoc}
     *
     * <p>There is one object a vnode, as large as the file whatever is asked for ({@code vnode_pager_alloc}); each
     * reference to it is a use of the vnode. A file that lives in a swap object gives that one.
     *
     * @return null when the handle is no vnode, or its file is gone
     */
    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        if (!(handle instanceof Vnode vnode)) {
            return null;
        }
        boolean locked = vnode.lock().isHeld();
        if (!locked) {
            vnode.lock().lock();
        }
        try {
            return vnode.doomed() ? null : objectOf(objects, vnode);
        } finally {
            if (!locked) {
                vnode.lock().unlock();
            }
        }
    }

    private static @Nullable VmObject objectOf(ObjectFactory objects, Vnode vnode) {
        try {
            @Nullable VmObject contents = vnode.node().object();
            if (contents != null) {
                return tie(contents, vnode);
            }
        } catch (IOException e) {
            return null;
        }
        @Nullable VmObject existing = vnode.object();
        if (existing != null) {
            existing.reference();
            return existing;
        }
        VmObject created = objects.allocate(ObjectType.VNODE, PageSize.index(PageSize.ceiling(vnode.size())));
        created.lock().lock();
        created.setHandle(vnode);
        vnode.setObject(created);
        vnode.reference();
        created.lock().unlock();
        return created;
    }

    /** The swap object that a file in memory lives in, with one more reference; no pager of files has to do with it. */
    private static VmObject tie(VmObject contents, Vnode vnode) {
        contents.lock().lock();
        contents.referenceLocked();
        contents.setTmpfsNode(vnode);
        contents.setFlag(ObjectFlags.TMPFS | ObjectFlags.NOSPLIT);
        contents.lock().unlock();
        return contents;
    }

    /** {@inheritDoc} The vnode lock is held, too ({@code vnode_pager_dealloc}). */
    @Override
    public void deallocate(VmObject object) {
        if (!(object.handle() instanceof Vnode vnode)) {
            throw new KernelPanic(
                    "vnode_pager_dealloc: object %d has handle %s", object.id(), Objects.toString(object.handle()));
        }
        vnode.lock().assertHeld();
        object.pipWait("vnpdea");
        int references = object.refCount();
        object.setHandle(null);
        object.setType(ObjectType.DEAD);
        vnode.setObject(null);
        vnode.setText(false);
        object.lock().unlock();
        for (int i = 0; i < references; i++) {
            vnode.releaseLocked();
        }
        object.lock().lock();
    }

    @Override
    public PagerResult getPages(VmObject object, Page[] array, int count, int requested) {
        return pageIn.fill(vnodeOf(object), object, array, count, requested);
    }

    @Override
    public void putPages(VmObject object, Page[] array, int count, int flags, PagerResult[] results) {
        pageOut.write(vnodeOf(object), object, array, count, flags, results);
    }

    /**
     * {@inheritDoc} A page whose place cannot be found out is there, so that reading it tells
     * ({@code vnode_pager_haspage}).
     */
    @Override
    public long hasPage(VmObject object, long pindex) {
        Vnode vnode = vnodeOf(object);
        long size = vnode.size();
        if (vnode.doomed() || PageSize.bytes(pindex) >= size) {
            return PageRun.NONE;
        }
        object.lock().unlock();
        try {
            return BlockRuns.around(vnode.node(), pindex, PageSize.index(PageSize.ceiling(size)));
        } catch (IOException e) {
            return PageRun.of(0, 0);
        } finally {
            object.lock().lock();
        }
    }

    private static Vnode vnodeOf(VmObject object) {
        if (object.handle() instanceof Vnode vnode) {
            return vnode;
        }
        throw new KernelPanic("vnode pager: object %d has handle %s", object.id(), Objects.toString(object.handle()));
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        counts.forEach(visitor);
    }
}
