// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.kern.KernelLock;
import penumbra.object.VmObject;

/**
 * A file in use (FreeBSD's {@code vnode}): its counts, its lock, and the object that caches it.
 *
 * <p>Uses keep the file open; holds keep only the vnode. {@link #release} and {@link #put} may end the last use, which
 * may take the vnode lock: no object lock may be held. {@link #hold} and {@link #drop} take no lock and may be called
 * anywhere.
 */
@ProviderType
public interface Vnode {
    /** The name for messages. */
    String name();

    /**
     * The contents. A call waits for a file system that has left, up to a limit, and then fails as
     * {@link FileSystemAway}.
     */
    FileNode node();

    /**
     * Whether the file system has left, so that a call on {@link #node} would wait. Any lock may be held; never blocks.
     */
    boolean away();

    /** The vnode lock, of rank VNODE: the only one that may be held across I/O. */
    KernelLock lock();

    /** The size in bytes as the pager knows it. */
    long size();

    /** Sets the size that the pager knows; the file's own was changed before. Vnode lock. */
    void setSize(long bytes);

    /** Adds a use ({@code vref}). */
    void reference();

    /** Ends a use; the vnode lock is not held ({@code vrele}). */
    void release();

    /** Ends a use and the vnode lock, which is held ({@code vput}). */
    void put();

    /** Ends a use; the vnode lock is held and stays held ({@code vunref}). */
    void releaseLocked();

    /** Adds a hold ({@code vhold}). */
    void hold();

    /** Ends a hold ({@code vdrop}). */
    void drop();

    int useCount();

    int holdCount();

    /** How many write to the file, shared-writeable mappings counted once ({@code v_writecount}). */
    int writeCount();

    /** Changes {@link #writeCount} by {@code delta}. */
    void addWriters(int delta);

    /** Bytes of shared mappings that may write to the file ({@code writemappings}). */
    long writeMappings();

    /**
     * Counts a shared mapping that may write to the file; the first one is a writer
     * ({@code vnode_pager_update_writecount}). Does nothing when the vnode has been reclaimed and {@code object} is no
     * longer its object. Any lock may be held; never blocks.
     *
     * @param object what is mapped
     * @param bytes how long the mapping is
     */
    void addWriteMapping(VmObject object, long bytes);

    /**
     * Takes {@link #addWriteMapping} back, for all of the mapping or a part; the last one was a writer
     * ({@code vnode_pager_release_writecount}). Any lock may be held; never blocks.
     */
    void removeWriteMapping(VmObject object, long bytes);

    /**
     * Whether the file took writes that it then could not make durable: they may be lost, so no later sync may report
     * success, although no page is dirty any more.
     */
    boolean writesLost();

    /** Whether the file is being executed ({@code VV_TEXT}). */
    boolean text();

    void setText(boolean text);

    /** Whether the file is gone from under the vnode ({@code VI_DOOMED}). */
    boolean doomed();

    /** The object that caches the file; null when there is none. */
    @Nullable
    VmObject object();

    /** Ties the object to the vnode, or unties it with null, which ends its write mappings. The object's lock. */
    void setObject(@Nullable VmObject object);
}
