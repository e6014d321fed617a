// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.map.MapFlags;

/**
 * A wiring or unwiring of a range ({@code vm_map_wire}, {@code vm_map_unwire}).
 *
 * <p>Entries are marked in transition first, so that the lock can be dropped for the faults: until they are settled
 * nobody else merges, deletes or wires them. What was wired before a failure is unwired again.
 */
final class Wiring {
    private final Space space;
    private final Entries entries;
    private final WiredPages pages;
    private final long start;
    private final boolean user;
    private final boolean holesOk;
    private final Thread caller = Thread.currentThread();

    private long end;
    private KernReturn result = KernReturn.SUCCESS;

    /** @param flags {@code WIRE_} bits of {@link MapFlags} */
    Wiring(Space space, long start, long end, int flags) {
        this.space = space;
        this.entries = space.mapped();
        this.pages = new WiredPages(space.layers(), space.pmap());
        this.start = start;
        this.end = end;
        this.user = (flags & MapFlags.WIRE_USER) != 0;
        this.holesOk = (flags & MapFlags.WIRE_HOLESOK) != 0;
    }

    /** Wires every entry of the range once more; all of them or none. */
    KernReturn wire() {
        return run(this::wireEntry, this::settleWired);
    }

    /** Takes one wiring back from every entry of the range. */
    KernReturn unwire() {
        return run(this::checkWired, this::settleUnwired);
    }

    /**
     * Does {@code step} with each entry of the range, then {@code settlement} with each once it is known whether all
     * went well.
     */
    private KernReturn run(UnaryOperator<Entry> step, Consumer<Entry> settlement) {
        space.lock();
        Entry entry = find(start);
        while (entry != null && entry.start < end) {
            if (entry.has(Entry.IN_TRANSITION)) {
                long resume = Math.max(start, entry.start);
                space.awaitTransition(entry);
                entry = find(resume);
                continue;
            }
            entries.clipStart(entry, start);
            entries.clipEnd(entry, end);
            entry.flags |= Entry.IN_TRANSITION;
            entry.wiringThread = caller;
            entry = step.apply(entry);
            if (!result.ok()) {
                end = entry.end;
                break;
            }
            if (!holesOk && entry.end < end && (entry.next == null || entry.next.start > entry.end)) {
                result = KernReturn.INVALID_ADDRESS;
                end = entry.end;
                break;
            }
            entry = entry.next;
        }
        settle(settlement);
        space.unlock();
        return result;
    }

    /** The entry at {@code address}; where holes are allowed, else the next one. */
    private @Nullable Entry find(long address) {
        Entry entry = holesOk ? space.tree().from(address) : space.tree().at(address);
        if (entry == null && !holesOk) {
            result = KernReturn.INVALID_ADDRESS;
            end = address;
        }
        return entry;
    }

    private void settle(Consumer<Entry> settlement) {
        boolean wanted = false;
        for (Entry entry = space.tree().from(start); entry != null && entry.start < end; entry = entry.next) {
            if (!entry.has(Entry.IN_TRANSITION) || entry.wiringThread != caller) {
                // Came into a hole while the lock was dropped.
                continue;
            }
            if (!entry.has(Entry.WIRE_SKIPPED)) {
                settlement.accept(entry);
            }
            wanted |= entry.has(Entry.NEEDS_WAKEUP);
            entry.flags &= ~(Entry.IN_TRANSITION | Entry.WIRE_SKIPPED | Entry.NEEDS_WAKEUP);
            entry.wiringThread = null;
            entries.simplify(entry);
        }
        if (wanted) {
            space.wakeTransition();
        }
    }

    /** Wires one entry or says why not; its last part is returned, since it may be cut meanwhile. */
    private Entry wireEntry(Entry entry) {
        if ((entry.prot & (Prot.READ | Prot.EXECUTE)) == 0) {
            entry.flags |= Entry.WIRE_SKIPPED;
            if (!holesOk) {
                result = KernReturn.INVALID_ADDRESS;
            }
            return entry;
        }
        if (entry.wired == 0) {
            return wireFirst(entry);
        }
        if (!user || !entry.has(Entry.USER_WIRED)) {
            entry.wired++;
        }
        return entry;
    }

    /** Wires the pages, without the lock; the entry may be cut meanwhile, so the last part is returned. */
    private Entry wireFirst(Entry entry) {
        entry.wired++;
        long from = entry.start;
        long to = entry.end;
        boolean fictitious = WiredPages.fictitious(entry);
        space.makeBusy();
        space.unlock();
        result = faultIn(from, to, fictitious);
        space.lock();
        space.endBusy();
        Entry part = space.tree().at(from);
        while (part != null && part.end < to) {
            if (!result.ok()) {
                part.wired = Entry.WIRING_FAILED;
            }
            part = part.next;
        }
        if (part == null) {
            throw new KernelPanic("vm_map_wire: entry [%#x, %#x) in transition is gone", from, to);
        }
        if (!result.ok()) {
            part.wired = Entry.WIRING_FAILED;
        }
        return part;
    }

    /** Faults every page of the range in, wired ({@code vm_fault_wire}). */
    private KernReturn faultIn(long from, long to, boolean fictitious) {
        Fault fault = new Fault(space.layers());
        for (long address = from; address < to; address += PageSize.BYTES) {
            KernReturn wired = fault.resolve(space, space.owner(), address, Prot.NONE, MapFlags.FAULT_CHANGE_WIRING);
            if (!wired.ok()) {
                pages.unwire(from, address, fictitious);
                return wired;
            }
        }
        return KernReturn.SUCCESS;
    }

    private void settleWired(Entry entry) {
        if (result.ok()) {
            if (user) {
                entry.flags |= Entry.USER_WIRED;
            }
        } else if (entry.wired == Entry.WIRING_FAILED) {
            entry.wired = 0;
        } else if (!user || !entry.has(Entry.USER_WIRED)) {
            takeBack(entry);
        }
    }

    private Entry checkWired(Entry entry) {
        if (!user && entry.systemWired() == 0) {
            result = KernReturn.INVALID_ARGUMENT;
        }
        return entry;
    }

    private void settleUnwired(Entry entry) {
        if (result.ok() && (!user || entry.has(Entry.USER_WIRED))) {
            if (user) {
                entry.flags &= ~Entry.USER_WIRED;
            }
            takeBack(entry);
        }
    }

    private void takeBack(Entry entry) {
        entry.wired--;
        if (entry.wired == 0) {
            pages.unwire(entry);
        }
    }
}
