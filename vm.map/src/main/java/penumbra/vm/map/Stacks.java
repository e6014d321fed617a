// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.process.Limit;

/** Mappings that grow when touched beside. Needs the space's lock. */
final class Stacks {
    private static final int BOTH = MapFlags.STACK_GROWS_DOWN | MapFlags.STACK_GROWS_UP;

    private final Space space;
    private final Entries entries;
    private final long step;
    private final long guard;

    // What has been added last.
    private long grownFrom;
    private long grownTo;

    Stacks(Space space) {
        this.space = space;
        this.entries = space.mapped();
        this.step = space.stackRules().step();
        this.guard = space.stackRules().guard();
    }

    /** What a stack of at most {@code maxSize} bytes starts with. */
    long initial(long maxSize) {
        return Math.min(maxSize, step);
    }

    /** The start of what {@link #grow} added. */
    long grownFrom() {
        return grownFrom;
    }

    /** The end of what {@link #grow} added; equal to the start when it added nothing. */
    long grownTo() {
        return grownTo;
    }

    /** Maps the first step of a stack and remembers how much it may grow ({@code vm_map_stack}). */
    KernReturn create(long start, long maxSize, int prot, int maxProt, int options) {
        int directions = (options & BOTH) == 0 ? MapFlags.STACK_GROWS_DOWN : options & BOTH;
        if (start < space.min() || start > space.max() || start + maxSize < start) {
            return KernReturn.NO_SPACE;
        }
        Entry previous = space.tree().floor(start);
        Entry behind = space.tree().after(previous);
        if ((previous != null && previous.end > start) || (behind != null && behind.start < start + maxSize)) {
            return KernReturn.NO_SPACE;
        }
        long initial = initial(maxSize);
        if (beyondLimits(initial)) {
            return KernReturn.NO_SPACE;
        }
        long bottom = start;
        if (directions == MapFlags.STACK_GROWS_DOWN) {
            bottom = start + maxSize - initial;
        } else if (directions == BOTH) {
            bottom = start + PageSize.floor((maxSize - initial) / 2);
        }
        KernReturn result =
                entries.insert(null, 0, bottom, bottom + initial, prot, maxProt, (options & ~BOTH) | directions);
        Entry stack = space.tree().at(bottom);
        if (result.ok() && stack != null) {
            stack.stackGrowth = maxSize - initial;
            stack.flags |= directions;
        }
        return result;
    }

    /**
     * Grows the stack beside {@code address} so that it contains it.
     *
     * @return SUCCESS also when there is no such stack; NO_SPACE when it may not grow so far
     */
    KernReturn grow(long address) {
        Entry below = space.tree().floor(address);
        if (below != null && below.contains(address)) {
            return KernReturn.SUCCESS;
        }
        Entry above = space.tree().after(below);
        Entry lower = below != null && below.has(Entry.GROWS_UP) ? below : null;
        Entry upper = above != null && above.has(Entry.GROWS_DOWN) ? above : null;
        if (lower == null) {
            return upper == null ? KernReturn.SUCCESS : growDown(below, upper, address);
        }
        // Of two, the nearer one grows less.
        boolean upperIsNearer = upper != null && upper.start - address < address - lower.end;
        return upper != null && upperIsNearer ? growDown(below, upper, address) : growUp(lower, above, address);
    }

    private KernReturn growDown(@Nullable Entry below, Entry stack, long address) {
        long limit = below == null ? stack.start - stack.stackGrowth : below.end;
        long room = stack.start - limit;
        long amount = grownBy(stack, PageSize.ceiling(stack.start - address), room, address);
        if (amount < 0) {
            return KernReturn.NO_SPACE;
        }
        long start = stack.start - amount;
        if (start < limit) {
            stack.stackGrowth = room;
            start = limit + guard;
        }
        KernReturn result = entries.insert(null, 0, start, stack.start, stack.prot, stack.maxProt, 0);
        Entry grown = stack.previous;
        if (result.ok() && grown != null) {
            entries.clipStart(grown, start);
            grown.stackGrowth = stack.stackGrowth - grown.length();
            grown.flags |= Entry.GROWS_DOWN;
            stack.flags &= ~Entry.GROWS_DOWN;
            noteGrowth(start, stack.start, address);
        }
        return result;
    }

    private KernReturn growUp(Entry stack, @Nullable Entry above, long address) {
        long limit = above == null ? stack.end + stack.stackGrowth : above.start;
        long room = limit - stack.end;
        long amount = grownBy(stack, PageSize.ceiling(address + 1 - stack.end), room, address);
        if (amount < 0) {
            return KernReturn.NO_SPACE;
        }
        if (amount > room) {
            stack.stackGrowth = room;
            amount = room - guard;
        }
        VmObject object = stack.object;
        Cred payer = stack.cred != null || object == null ? stack.cred : object.cred();
        if (payer != null && !space.layers().accounting().reserve(amount, payer)) {
            return KernReturn.NO_SPACE;
        }
        if (object != null && !object.coalesce(stack.offset, stack.pages(), PageSize.index(amount), payer != null)) {
            if (payer != null) {
                space.layers().accounting().release(amount, payer);
            }
            return KernReturn.FAILURE;
        }
        entries.extendEnd(stack, amount);
        stack.stackGrowth -= amount;
        noteGrowth(stack.end - amount, stack.end, address);
        return KernReturn.SUCCESS;
    }

    /** By how much {@code stack} grows for {@code needed} bytes: by whole steps, if it may; -1 when it may not. */
    private long grownBy(Entry stack, long needed, long room, long address) {
        if (needed > stack.stackGrowth) {
            return -1;
        }
        if (needed + guard > room) {
            // Something was mapped where the stack would have grown.
            stack.stackGrowth = room;
            return -1;
        }
        long rounded = (needed + step - 1) / step * step;
        long amount = Math.min(rounded, stack.stackGrowth);
        StackSize size = space.stackSize();
        if (size.covers(address)) {
            long rest = PageSize.floor(space.limit(Limit.STACK)) - size.bytes();
            if (needed > rest) {
                return -1;
            }
            amount = Math.min(amount, rest);
        }
        return beyondLimits(amount) ? -1 : amount;
    }

    /** Whether the process may not map, or wire if it has to, so much more. */
    private boolean beyondLimits(long bytes) {
        long wired = PageSize.bytes(space.pmap().wiredCount());
        return bytes > space.limit(Limit.VMEM) - space.size()
                || (space.wiresFuture() && bytes > space.limit(Limit.MEMLOCK) - wired);
    }

    private void noteGrowth(long from, long to, long address) {
        grownFrom = from;
        grownTo = to;
        if (space.stackSize().covers(address)) {
            space.stackSize().add(to - from);
        }
    }
}
