// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.hw.PhysicalPage;

/**
 * One page of memory: a frame's permanent description (FreeBSD's {@code vm_page}).
 *
 * <p>Valid and dirty are eight bits, one for each 512-byte block; byte ranges given with (base, size) cover every block
 * that they touch unless said otherwise. "Owner lock" is the lock of {@link #owner()}. Methods without a lock contract
 * read one field and may be called anywhere; the value may be old by the time it is looked at unless the named lock is
 * held.
 */
@ProviderType
public interface Page extends PhysicalPage {
    /** All valid or dirty bits ({@code VM_PAGE_BITS_ALL}). */
    int ALL = 0xff;

    // Identity

    /** Whose page this is; null when it is free, or wired without an owner. */
    @Nullable
    PageOwner owner();

    /** The page's index in its owner. */
    long pindex();

    /** The frame's first byte in physical memory. */
    long physicalAddress();

    // Busy: owner lock

    /** Whether the page is busy in any way. */
    boolean busied();

    /**
     * A number that changes each time the page becomes exclusive-busy, never 0; by it the caller of foreign code tells
     * whether a page is still in the hands it was given to. Owner lock.
     */
    int busySerial();

    /** How many hold it shared-busy. */
    int sharedBusy();

    /** Makes the page exclusive-busy; panics when it is busy ({@code vm_page_xbusy}). Owner lock. */
    void xbusy();

    /** Makes the page exclusive-busy if it is not busy; returns whether it did. Owner lock. */
    boolean tryXbusy();

    /** Ends exclusive busy and wakes those who wait ({@code vm_page_xunbusy}). Owner lock. */
    void xunbusy();

    /** Adds a shared busy; panics when exclusive-busy ({@code vm_page_sbusy}). Owner lock. */
    void sbusy();

    /** Adds a shared busy unless exclusive-busy; returns whether it did ({@code vm_page_trysbusy}). Owner lock. */
    boolean trySbusy();

    /** Takes one shared busy back and wakes those who wait for the last ({@code vm_page_sunbusy}). Owner lock. */
    void sunbusy();

    /** Turns exclusive busy into one shared busy ({@code vm_page_busy_downgrade}). Owner lock. */
    void busyDowngrade();

    /** Whether somebody sleeps until the page is unbusied. */
    boolean hasBusyWaiters();

    /**
     * Sleeps until the page may have been unbusied ({@code vm_page_busy_sleep}). Owner lock held on entry, released on
     * return; the page may be anybody's by then, so look it up again.
     */
    void busySleep(String waitMessage);

    /**
     * If the page is busy, drops the owner lock, sleeps, takes it again and returns true: the caller looks everything
     * up again ({@code vm_page_sleep_if_busy}). Owner lock.
     */
    boolean sleepIfBusy(String waitMessage);

    /** Wakes those who sleep on the page without changing its state ({@code vm_page_flash}). Owner lock. */
    void flash();

    // Contents: owner lock

    /** The valid bits. */
    int valid();

    /** Sets the valid bits as they are, touching nothing else. Owner lock. */
    void setValid(int bits);

    /** The dirty bits known to software; see {@link #testDirty}. */
    int dirty();

    /** Sets all dirty bits ({@code vm_page_dirty}). Owner lock, or the pmap layer. */
    void makeDirty();

    /** Clears all dirty bits ({@code vm_page_undirty}). Owner lock. */
    void undirty();

    /**
     * Takes over what the hardware knows: all bits dirty if a mapping is modified ({@code vm_page_test_dirty}). Owner
     * lock.
     */
    void testDirty();

    /** Whether all blocks of the range are valid; an empty range is, if any block is ({@code vm_page_is_valid}). */
    boolean isValid(int base, int size);

    /**
     * Makes the range valid and zeroes the rest of the blocks it enters ({@code vm_page_set_valid_range}). Owner lock.
     */
    void setValidRange(int base, int size);

    /** Makes the range valid and clean ({@code vm_page_set_validclean}). Owner lock. */
    void setValidClean(int base, int size);

    /** Clears the dirty bits of the range ({@code vm_page_clear_dirty}). Owner lock. */
    void clearDirty(int base, int size);

    /**
     * Makes the range invalid and clean; a page fully valid before loses its mappings ({@code vm_page_set_invalid}).
     * Owner lock.
     */
    void setInvalid(int base, int size);

    /** Zeroes every invalid block; then makes the page valid if asked ({@code vm_page_zero_invalid}). Owner lock. */
    void zeroInvalid(boolean setValid);

    // Wire, hold, queues: owner lock unless said otherwise

    /** How many wirings keep the page in memory and off the queues. */
    int wireCount();

    /** Wires the page once more ({@code vm_page_wire}). */
    void wire();

    /**
     * Takes one wiring back; after the last the page goes to a queue ({@code vm_page_unwire}).
     *
     * @param activate whether that is ACTIVE, else INACTIVE
     */
    void unwire(boolean activate);

    /** Forgets {@code mappings} wirings whose mappings were removed with the page; used as it is about to be freed. */
    void forgetWirings(int mappings);

    /** How many holds keep the page's frame from being freed, but not its identity. */
    int holdCount();

    /**
     * Ends a hold; the last one frees a page whose freeing waited for it ({@code vm_page_unhold}). Any lock below PAGE.
     */
    void unhold();

    /** The queue that the page is on. */
    QueueId queue();

    /** How much the page has been used lately, 0 to 64, while on ACTIVE. */
    int actCount();

    /** Sets {@link #actCount}; for the page daemon and advice. */
    void setActCount(int count);

    /**
     * Puts the page on ACTIVE and raises its act count to 5 at least, unless wired or unmanaged ({@code
     * vm_page_activate}).
     */
    void activate();

    /** Puts the page at the tail of INACTIVE, unless it is there, wired or unmanaged ({@code vm_page_deactivate}). */
    void deactivate();

    /** Takes the page off its queue, if it is on one ({@code vm_page_dequeue}). */
    void dequeue();

    /** Moves the page to the tail of its queue ({@code vm_page_requeue}). */
    void requeue();

    /** Applies FREE or DONTNEED ({@code vm_page_advise}). */
    void advise(Advice advice);

    /** Caches the page if it is clean and in nobody's way; removes its mappings ({@code vm_page_try_to_cache}). */
    boolean tryToCache();

    /** Frees the page if it is clean and in nobody's way; removes its mappings ({@code vm_page_try_to_free}). */
    boolean tryToFree();

    // Flags

    /** The {@code A_} bits of {@link PageFlags}. */
    int aflags();

    /** Sets {@code A_} bits, atomically; no lock. */
    void setAflags(int bits);

    /** Clears {@code A_} bits, atomically; no lock. */
    void clearAflags(int bits);

    /** The plain bits of {@link PageFlags}. */
    int flags();

    /** Sets plain flag bits. */
    void setFlags(int bits);

    /** Clears plain flag bits. */
    void clearFlags(int bits);

    /** The {@code O_} bits of {@link PageFlags}. */
    int oflags();

    /** Sets {@code O_} bits. Owner lock. */
    void setOflags(int bits);

    /** Clears {@code O_} bits. Owner lock. */
    void clearOflags(int bits);
}
