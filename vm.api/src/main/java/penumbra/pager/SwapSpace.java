// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;

/**
 * The swap pager as objects see it: where the swapped pages of each object are, in whatever stores
 * (the object-facing half of {@code swap_pager.c}). Works on entries of the location maps only: no method but
 * {@link #copy} and {@link #reserve} blocks.
 */
@ProviderType
public interface SwapSpace {
    /** Pages in a block of a location map (FreeBSD's {@code SWAP_META_PAGES}). */
    int BLOCK_PAGES = 32;

    /** Forgets the swapped copies of {@code count} pages from {@code start} ({@code swap_pager_freespace}). Locked. */
    void freeSpace(VmObject object, long start, long count);

    /**
     * Allocates slots for {@code count} pages from {@code start} in advance ({@code swap_pager_reserve}). Unlocked.
     *
     * @return false when there are not enough; nothing is allocated then
     */
    boolean reserve(VmObject object, long start, long count);

    /**
     * Moves the entries of {@code [offset, offset + destination.size())} to {@code destination} at 0, where they do not
     * replace any ({@code swap_pager_copy}). Both locked; may drop the locks, with paging in progress on both.
     *
     * @param destroySource whether to forget the other entries of {@code source}, which becomes DEFAULT
     */
    void copy(VmObject source, VmObject destination, long offset, boolean destroySource);

    /**
     * Whether a swapped copy of the page exists, and neighbours in adjacent slots, as a {@link PageRun}
     * ({@code swap_pager_haspage}). Locked.
     */
    long hasPage(VmObject object, long pindex);

    /** How many blocks of location map the object has ({@code swp_bcount}). Locked. */
    int blocks(VmObject object);

    /** How many swapped pages the object has. Locked. */
    long pages(VmObject object);

    /** Shows the object's swapped pages in ascending order. Locked. */
    void forEach(VmObject object, SwappedPageVisitor visitor);

    /** All slots of all stores. */
    long total();

    /** Free slots of all stores ({@code swap_pager_avail}). */
    long available();

    /** Whether the stores are about to be full ({@code swap_pager_almost_full}). */
    boolean almostFull();

    /** Whether the stores are full, or there is none ({@code swap_pager_full}). */
    boolean full();

    /** Whether there is any store to page out to. */
    boolean present();

    /** Whether a store has just left that pages wait for: swap that is short now may soon be there again. */
    boolean awaitsReturn();

    /** The stores that are there, the preferred one first. */
    List<BackingStore> stores();

    /**
     * Brings every page of {@code store} back to memory and uses it no more ({@code swapoff}). No lock is held. May
     * block.
     *
     * @return RESOURCE_SHORTAGE when memory and the other stores could not take the pages, and nothing was changed;
     *     FAILURE when some could not be read: they stay where they are, the log names them, and the store takes no new
     *     ones; INVALID_ARGUMENT when the store is not in use, or being swapped off already
     */
    KernReturn swapOff(BackingStore store);

    /**
     * Lets a store take new pages as its ranking says, whatever it was told before: cancels a drain, and takes a closed
     * store back. No lock is held.
     *
     * @return INVALID_ARGUMENT when the store is not there, or being swapped off
     */
    KernReturn swapOn(BackingStore store);

    /**
     * Puts {@code store} in the place of all others: new pages go to it at once, and what the others hold is moved
     * there in the background. They stay, empty in the end, and take pages when it has no room. May be called again at
     * any time, for any store: moves under way then go there. No lock is held; does not wait.
     *
     * @return INVALID_ARGUMENT when the store is not there, or closed
     */
    KernReturn use(BackingStore store);

    /**
     * Moves what {@code store} holds to the others in the background; new pages go to those at once. {@link #swapOn}
     * cancels it. What cannot be read stays where it is and is named in the log. No lock is held; does not wait.
     *
     * @return INVALID_ARGUMENT when the store is not there, or closed; RESOURCE_SHORTAGE when there is no other
     */
    KernReturn drain(BackingStore store);

    /**
     * Moves one cluster of pages, in a machine that runs in steps, which has no background.
     *
     * @return false when no drain is under way, or none could move anything
     */
    boolean drainStep();

    /**
     * Waits until no drain is under way; in a machine that runs in steps, moves all that can be moved. No lock is held.
     */
    void awaitDrained();

    /** Asks {@code probe} before every transfer from now on; null for none. For fault injection and tracing. */
    void setProbe(@Nullable TransferProbe probe);

    /** Sees transfers before they happen. */
    @FunctionalInterface
    interface TransferProbe {
        /**
         * Sees one transfer of {@code pages} pages.
         *
         * @throws IOException to let it fail
         */
        void before(BackingStore store, boolean write, long slot, int pages) throws IOException;
    }

    /** A reader of location maps. */
    @FunctionalInterface
    interface SwappedPageVisitor {
        /** Sees one entry. */
        void swapped(long pindex, BackingStore store, long slot, long version, int checksum);
    }
}
