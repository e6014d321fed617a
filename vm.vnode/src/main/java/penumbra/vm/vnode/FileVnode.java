// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.object.VmObject;
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/**
 * A vnode of the {@link VnodeTable}.
 *
 * <p>Counts of uses and holds are atomic. What concerns writers, text and the object lies under an interlock of its
 * own, which is never held over a call.
 */
final class FileVnode implements Vnode {
    private final VnodeTable table;
    /** What the table finds the vnode by; null for contents without a name. */
    private final @Nullable Contents contents;

    private final GuardedNode node;
    private final KernelLock lock;
    private final AtomicInteger uses = new AtomicInteger(1);
    private final AtomicInteger holds = new AtomicInteger();
    private volatile long size;
    private volatile boolean doomed;

    /** Whether the vnode has been without uses since somebody last made sure that its pages are the file's. */
    volatile boolean idle;

    private final Object interlock = new Object();
    private volatile @Nullable VmObject object;
    private long writeMappings;
    private int writeCount;
    private boolean text;

    /** A vnode with one use, its maker's. */
    FileVnode(VnodeTable table, @Nullable Contents contents, GuardedNode node, long size) {
        this.table = table;
        this.contents = contents;
        this.node = node;
        this.size = size;
        this.lock = new KernelLock(LockRank.VNODE, "vnode " + node.name());
    }

    @Nullable
    Contents contents() {
        return contents;
    }

    /** The contents, as the table sees them. */
    GuardedNode guarded() {
        return node;
    }

    void doom() {
        doomed = true;
    }

    @Override
    public String name() {
        return node.name();
    }

    @Override
    public FileNode node() {
        return node;
    }

    @Override
    public boolean away() {
        return node.away();
    }

    @Override
    public KernelLock lock() {
        return lock;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void setSize(long bytes) {
        lock.assertHeld();
        if (bytes < 0) {
            throw new KernelPanic("vnode %s: size %d", name(), bytes);
        }
        size = bytes;
    }

    // Uses and holds

    @Override
    public void reference() {
        if (uses.getAndIncrement() == 0) {
            table.useChanged(this);
        }
    }

    @Override
    public void release() {
        lock.assertNotHeld();
        dropUse();
    }

    @Override
    public void put() {
        dropUse();
        lock.unlock();
    }

    @Override
    public void releaseLocked() {
        lock.assertHeld();
        dropUse();
    }

    private void dropUse() {
        int left = uses.decrementAndGet();
        if (left < 0) {
            throw new KernelPanic("vrele: vnode %s has %d uses", name(), left);
        }
        if (left == 0) {
            table.useChanged(this);
        }
    }

    @Override
    public void hold() {
        holds.incrementAndGet();
    }

    @Override
    public void drop() {
        int left = holds.decrementAndGet();
        if (left < 0) {
            throw new KernelPanic("vdrop: vnode %s has %d holds", name(), left);
        }
    }

    @Override
    public int useCount() {
        return uses.get();
    }

    @Override
    public int holdCount() {
        return holds.get();
    }

    // Writers, text and the object

    @Override
    public int writeCount() {
        synchronized (interlock) {
            return writeCount;
        }
    }

    @Override
    public void addWriters(int delta) {
        synchronized (interlock) {
            changeWriters(delta);
        }
    }

    @Override
    public long writeMappings() {
        synchronized (interlock) {
            return writeMappings;
        }
    }

    @Override
    public void addWriteMapping(VmObject mapped, long bytes) {
        changeWriteMappings(mapped, bytes);
    }

    @Override
    public void removeWriteMapping(VmObject mapped, long bytes) {
        changeWriteMappings(mapped, -bytes);
    }

    private void changeWriteMappings(VmObject mapped, long delta) {
        synchronized (interlock) {
            if (object == mapped) {
                setWriteMappings(writeMappings + delta);
            }
        }
    }

    private void setWriteMappings(long bytes) {
        if (bytes < 0) {
            throw new KernelPanic("vnode %s: %d bytes of write mappings", name(), bytes);
        }
        int before = Long.signum(writeMappings);
        writeMappings = bytes;
        changeWriters(Long.signum(bytes) - before);
    }

    private void changeWriters(int delta) {
        writeCount += delta;
        if (writeCount < 0) {
            throw new KernelPanic("vnode %s: %d writers", name(), writeCount);
        }
    }

    @Override
    public boolean writesLost() {
        return node.writesLost();
    }

    @Override
    public boolean text() {
        synchronized (interlock) {
            return text;
        }
    }

    @Override
    public void setText(boolean executed) {
        synchronized (interlock) {
            text = executed;
        }
    }

    @Override
    public boolean doomed() {
        return doomed;
    }

    @Override
    public @Nullable VmObject object() {
        return object;
    }

    @Override
    public void setObject(@Nullable VmObject tied) {
        synchronized (interlock) {
            if (tied != null && object != null) {
                throw new KernelPanic("vnode %s: has object %s already", name(), object);
            }
            if (tied == null) {
                setWriteMappings(0);
            }
            object = tied;
        }
    }

    @Override
    public String toString() {
        return name() + " (" + useCount() + " uses, " + holdCount() + " holds)";
    }
}
