// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PmapSystem;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/** The object core of one machine: its neighbours, the table of objects, and the operations on them. */
public final class ObjectCore implements VmObjects {
    /** Pages from {@code VM_MIN_KERNEL_ADDRESS} to {@code VM_MAX_KERNEL_ADDRESS} on amd64: 2 TiB less one page. */
    static final long KERNEL_PAGES = (1L << 29) - 1;

    /** {@code atop(VM_MIN_KERNEL_ADDRESS)} within a reservation: the kernel's addresses start on a boundary. */
    private static final int KERNEL_COLOR = 0;

    private static final long KERNEL_OBJECT_ID = 0;
    private static final long KMEM_OBJECT_ID = -1;

    private final Machine machine;
    private final PmapSystem pmaps;
    private final Pages pages;
    private final Pagers pagers;
    private final SwapSpace swap;
    private final SwapAccounting accounting;

    private final ObjectTable table = new ObjectTable(this);
    private final NamedObjects named = new NamedObjects(table);
    private final Deallocation deallocation = new Deallocation(this);
    private final Termination termination = new Termination(this);
    private final Collapse collapse = new Collapse(this);
    private final Split split = new Split(this);
    private final Coalescing coalescing = new Coalescing(this);
    private final Flush flush = new Flush(this);
    private final Sync sync = new Sync(this);
    private final Advising advising = new Advising(this);
    private final Removal removal = new Removal(this);
    private final Population population = new Population(this);

    private final MemoryObject kernelObject;
    private final MemoryObject kmemObject;
    private volatile boolean oldMsync;

    /** A core with no objects but the kernel's two ({@code vm_object_init}). */
    public ObjectCore(
            Machine machine, PmapSystem pmaps, Pages pages, Pagers pagers, SwapSpace swap, SwapAccounting accounting) {
        this.machine = machine;
        this.pmaps = pmaps;
        this.pages = pages;
        this.pagers = pagers;
        this.swap = swap;
        this.accounting = accounting;
        kernelObject = table.allocateKernel(KERNEL_OBJECT_ID, KERNEL_PAGES, KERNEL_COLOR);
        kmemObject = table.allocateKernel(KMEM_OBJECT_ID, KERNEL_PAGES, KERNEL_COLOR);
    }

    @Override
    public VmObject allocate(ObjectType type, long size) {
        return table.allocate(type, size);
    }

    @Override
    public VmObject named(ObjectType type, Object handle, long size) {
        return named.of(type, handle, size);
    }

    @Override
    public VmObject kernelObject() {
        return kernelObject;
    }

    @Override
    public VmObject kmemObject() {
        return kmemObject;
    }

    @Override
    public VmObject shadow(@Nullable VmObject source, long offset, long length) {
        return split.shadow((MemoryObject) source, offset, length);
    }

    @Override
    public VmObject split(VmObject object, long offset, long length) {
        return split.split((MemoryObject) object, offset, length);
    }

    @Override
    public void flush(VmObject object, Page[] run, int count, int flags, int requested, PageoutFlush result) {
        flush.flush(object, run, count, flags, requested, result);
    }

    @Override
    public void forEach(Consumer<VmObject> visitor) {
        table.forEach(visitor);
    }

    @Override
    public @Nullable VmObject find(long id) {
        return table.find(id);
    }

    @Override
    public long collapses() {
        return collapse.collapses();
    }

    @Override
    public long bypasses() {
        return collapse.bypasses();
    }

    /** Whether msync with invalidation throws dirty pages away, as it once did ({@code vm.old_msync}). */
    public boolean oldMsync() {
        return oldMsync;
    }

    /** Changes {@link #oldMsync()}. */
    public void setOldMsync(boolean on) {
        oldMsync = on;
    }

    Machine machine() {
        return machine;
    }

    /** Whether the original's defects are mended. */
    boolean corrected() {
        return machine.fidelity().corrected();
    }

    PmapSystem pmaps() {
        return pmaps;
    }

    Pages pages() {
        return pages;
    }

    Pagers pagers() {
        return pagers;
    }

    SwapSpace swap() {
        return swap;
    }

    SwapAccounting accounting() {
        return accounting;
    }

    ObjectTable table() {
        return table;
    }

    NamedObjects named() {
        return named;
    }

    Deallocation deallocation() {
        return deallocation;
    }

    Termination termination() {
        return termination;
    }

    Collapse collapse() {
        return collapse;
    }

    Coalescing coalescing() {
        return coalescing;
    }

    Sync sync() {
        return sync;
    }

    Advising advising() {
        return advising;
    }

    Removal removal() {
        return removal;
    }

    Population population() {
        return population;
    }

    /** Whether an anonymous object has a swapped copy of a page; never drops the lock, which is held. */
    boolean swapped(MemoryObject object, long pindex) {
        return object.type() == ObjectType.SWAP && PageRun.present(swap.hasPage(object, pindex));
    }

    /** Forgets the swapped copies of {@code count} pages of an anonymous object, if it has any. Locked. */
    void freeSwap(MemoryObject object, long start, long count) {
        if (object.type() == ObjectType.SWAP) {
            swap.freeSpace(object, start, count);
        }
    }
}
