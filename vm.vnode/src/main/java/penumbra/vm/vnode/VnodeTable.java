// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.pager.Pagers;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.FileSystemAway;
import penumbra.vnode.Vnode;
import penumbra.vnode.Vnodes;

/**
 * The files in use, by identity, and those whose pages are kept although nobody uses them any more.
 *
 * <p>A file is opened again as the same vnode while that is there. A vnode that nobody uses keeps its object, pages and
 * contents; beyond a number of these the one that was used longest ago is reclaimed, and an idle one whose file has
 * been changed is reclaimed before it is opened again.
 */
@Component(service = Vnodes.class, configurationPid = "penumbra.vm.vnode")
@Designate(ocd = VnodeConfig.class)
public final class VnodeTable implements Vnodes, AutoCloseable {
    /** Few enough for any host's limit of open files (1,024 by custom). */
    public static final int UNUSED_VNODES = 256;
    /** As long as a leaving swap store drains. */
    public static final long RETURN_WAIT_MS = 5_000;

    private static final Logger LOG = LoggerFactory.getLogger(VnodeTable.class);

    /** What one file is found by. */
    private record Key(String fileSystem, Object identity) {}

    private final Machine machine;
    private final Pagers pagers;
    private final FileSystems fileSystems = new FileSystems();
    private volatile int unusedLimit;
    private volatile long returnWaitNanos;

    /** Guards what follows. */
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "vnode table");

    private final Map<Key, FileVnode> named = new HashMap<>();
    private final Set<FileVnode> all = new LinkedHashSet<>();
    /** Those without uses, the one unused longest first. */
    private final Set<FileVnode> unused = new LinkedHashSet<>();

    /** The table as configured. */
    @Activate
    public VnodeTable(@Reference Machine machine, @Reference Pagers pagers, VnodeConfig config) {
        this(machine, pagers, config.unused_vnodes(), config.return_wait_ms());
    }

    /**
     * An empty table.
     *
     * @param unusedLimit how many vnodes that nobody uses are kept
     * @param returnWaitMillis how long a transfer waits for a file system that has gone
     */
    public VnodeTable(Machine machine, Pagers pagers, int unusedLimit, long returnWaitMillis) {
        this.machine = machine;
        this.pagers = pagers;
        this.unusedLimit = unusedLimit;
        this.returnWaitNanos = TimeUnit.MILLISECONDS.toNanos(returnWaitMillis);
    }

    /** Takes new limits; unused vnodes that are too many by then go when the next one is opened. */
    @Modified
    public void modified(VnodeConfig config) {
        unusedLimit = config.unused_vnodes();
        returnWaitNanos = TimeUnit.MILLISECONDS.toNanos(config.return_wait_ms());
    }

    /**
     * Makes a file system known; files that its predecessor of the same name left behind become its own when needed.
     */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    public void addFileSystem(FileSystem fileSystem) {
        fileSystems.add(fileSystem);
    }

    /** Forgets a file system: waits for its calls under way; its files are there again when its name is. */
    public void removeFileSystem(FileSystem fileSystem) {
        fileSystems.remove(fileSystem);
        for (FileVnode vnode : snapshot()) {
            // Contents without a name are nobody's, and a call on them may last: they may be made of a file that waits.
            if (vnode.contents() != null) {
                vnode.guarded().park(fileSystem);
            }
        }
    }

    // Opening

    @Override
    public Vnode open(String fileSystem, String path, boolean writable) throws IOException {
        long deadline = System.nanoTime() + returnWaitNanos;
        while (true) {
            fileSystems.await(fileSystem, deadline - System.nanoTime());
            try {
                @Nullable FileVnode vnode = tryOpen(Contents.at(fileSystems, fileSystem, path), writable);
                if (vnode != null) {
                    trim();
                    return vnode;
                }
            } catch (FileSystemAway e) {
                LOG.debug("{}: {}", path, e.getMessage());
            }
        }
    }

    /** The vnode of a file, with one more use; null when it changed hands meanwhile. */
    private @Nullable FileVnode tryOpen(Contents contents, boolean writable) throws IOException {
        @Nullable FileVnode vnode = take(contents);
        if (vnode == null) {
            vnode = insert(contents, writable);
        } else if (!refresh(vnode)) {
            vnode = null;
        }
        if (vnode != null && writable) {
            makeWritable(vnode, contents);
        }
        return vnode;
    }

    @Override
    public Vnode wrap(FileNode node) throws IOException {
        GuardedNode guarded = new GuardedNode(node);
        FileVnode vnode = new FileVnode(this, null, guarded, guarded.size());
        lock.lock();
        try {
            all.add(vnode);
        } finally {
            lock.unlock();
        }
        trim();
        return vnode;
    }

    /** The vnode of a file that is open already, with one more use; null when there is none. */
    private @Nullable FileVnode take(Contents contents) {
        @Nullable FileVnode vnode;
        lock.lock();
        try {
            vnode = named.get(keyOf(contents));
            if (vnode != null) {
                unused.remove(vnode);
            }
        } finally {
            lock.unlock();
        }
        if (vnode != null) {
            vnode.reference();
        }
        return vnode;
    }

    /** Opens the file; null when somebody else has just done so. */
    private @Nullable FileVnode insert(Contents contents, boolean writable) throws IOException {
        Contents.Opened opened = contents.open(writable);
        @Nullable FileVnode inserted = null;
        try {
            GuardedNode node = new GuardedNode(contents, opened, writable, () -> returnWaitNanos);
            FileVnode vnode = new FileVnode(this, contents, node, node.size());
            lock.lock();
            try {
                if (named.putIfAbsent(keyOf(contents), vnode) == null) {
                    all.add(vnode);
                    inserted = vnode;
                }
            } finally {
                lock.unlock();
            }
            if (inserted != null && !fileSystems.has(opened.by())) {
                // It left when the vnode was not yet there to be seen.
                inserted.guarded().park(opened.by());
            }
            return inserted;
        } catch (IOException e) {
            throw fileSystems.blame(contents.fileSystem(), opened.by(), e);
        } finally {
            if (inserted == null) {
                GuardedNode.closeQuietly(opened.node(), contents.path());
            }
        }
    }

    /** Makes sure that what an idle vnode has in memory is the file's; false, and the use is gone, when it was not. */
    private boolean refresh(FileVnode vnode) {
        vnode.lock().lock();
        if (!vnode.doomed() && (!vnode.idle || vnode.guarded().unchanged())) {
            vnode.idle = false;
            vnode.lock().unlock();
            return true;
        }
        if (!vnode.doomed()) {
            reclaim(vnode);
        }
        vnode.put();
        return false;
    }

    private static void makeWritable(FileVnode vnode, Contents contents) throws IOException {
        boolean done = false;
        try {
            vnode.guarded().makeWritable(contents);
            done = true;
        } finally {
            if (!done) {
                vnode.release();
            }
        }
    }

    private static Key keyOf(Contents contents) {
        return new Key(contents.fileSystem(), contents.identity());
    }

    // Being used and not

    /** Files the vnode by whether it is used now; called at each change between the two. Any lock may be held. */
    void useChanged(FileVnode vnode) {
        lock.lock();
        try {
            if (vnode.useCount() > 0) {
                unused.remove(vnode);
            } else if (all.contains(vnode)) {
                unused.remove(vnode);
                unused.add(vnode);
                vnode.idle = true;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Reclaims what has not been used for longest, down to the limit, but nothing that cannot be written. */
    private void trim() {
        int tries = surplus();
        @Nullable FileVnode vnode;
        while (tries-- > 0 && (vnode = takeSurplus()) != null) {
            vnode.lock().lock();
            if (vnode.useCount() == 1 && !vnode.doomed() && clean(vnode, ObjectFlags.CLEAN_SYNC)) {
                reclaim(vnode);
            }
            vnode.put();
        }
    }

    private int surplus() {
        lock.lock();
        try {
            return unused.size() - unusedLimit;
        } finally {
            lock.unlock();
        }
    }

    /** Writes what is dirty; false when something could not be written. Vnode lock. */
    private static boolean clean(Vnode vnode, int flags) {
        @Nullable VmObject object = vnode.object();
        if (object == null) {
            return true;
        }
        object.lock().lock();
        try {
            return object.pageClean(0, 0, flags);
        } finally {
            object.lock().unlock();
        }
    }

    @Override
    public void fsync(Vnode vnode) throws IOException {
        vnode.lock().lock();
        try {
            boolean written = clean(vnode, 0);
            vnode.node().fsync();
            if (!written) {
                throw new IOException(vnode.name() + ": some changes could not be written");
            }
        } finally {
            vnode.lock().unlock();
        }
    }

    /** One unused vnode too many, with a use of the caller's; null when there is none. */
    private @Nullable FileVnode takeSurplus() {
        @Nullable FileVnode surplus = null;
        lock.lock();
        try {
            if (unused.size() > unusedLimit) {
                surplus = unused.iterator().next();
                unused.remove(surplus);
            }
        } finally {
            lock.unlock();
        }
        if (surplus != null) {
            surplus.reference();
        }
        return surplus;
    }

    // Reclaiming

    @Override
    public void reclaim(Vnode vnode) {
        FileVnode doomed = (FileVnode) vnode;
        doomed.lock().assertHeld();
        forget(doomed);
        doomed.doom();
        VmObject object = doomed.object();
        if (object != null) {
            destroyObject(doomed, object);
            // Whether or not a pager was there to do it.
            doomed.setObject(null);
        }
        try {
            doomed.node().close();
        } catch (IOException e) {
            LOG.warn("{}: close: {}", doomed.name(), e.toString());
        }
    }

    private void forget(FileVnode vnode) {
        Contents contents = vnode.contents();
        lock.lock();
        try {
            all.remove(vnode);
            unused.remove(vnode);
            if (contents != null) {
                named.remove(keyOf(contents), vnode);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the object, or, while somebody refers to it, takes it away from its file ({@code vnode_destroy_vobject}).
     */
    private void destroyObject(FileVnode vnode, VmObject object) {
        object.lock().lock();
        if (object.refCount() == 0) {
            object.terminate();
            return;
        }
        if (!object.pageClean(0, 0, ObjectFlags.CLEAN_SYNC)) {
            LOG.warn("{}: some pages could not be written and stay without a file", vnode.name());
        }
        pagers.deallocate(object);
        object.lock().unlock();
    }

    /** Writes every file back and closes it; after a panic it only says which it leaves as they are. */
    @Override
    @Deactivate
    public void close() {
        for (FileVnode vnode : snapshot()) {
            if (machine.panic() != null) {
                LOG.warn("{}: not written back after a panic", vnode.name());
                continue;
            }
            vnode.lock().lock();
            if (!vnode.doomed()) {
                reclaim(vnode);
            }
            vnode.lock().unlock();
        }
    }

    @Override
    public Collection<Vnode> all() {
        return List.copyOf(snapshot());
    }

    @Override
    public long waits() {
        return fileSystems.waits();
    }

    private List<FileVnode> snapshot() {
        lock.lock();
        try {
            return new ArrayList<>(all);
        } finally {
            lock.unlock();
        }
    }
}
