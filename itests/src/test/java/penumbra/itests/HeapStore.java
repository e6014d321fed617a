// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import penumbra.hw.PageSize;
import penumbra.pager.BackingStore;

/** A second provider of the contract that the swap file fulfils: slots in the Java heap. */
final class HeapStore implements BackingStore {
    private final byte[][] slots;
    private final BitSet used = new BitSet();
    private long written;

    HeapStore(int capacity) {
        slots = new byte[capacity][];
    }

    /** Pages that were ever written here. */
    synchronized long written() {
        return written;
    }

    @Override
    public String name() {
        return "heap";
    }

    @Override
    public String identity() {
        return "heap-" + System.identityHashCode(this);
    }

    @Override
    public long capacity() {
        return slots.length;
    }

    @Override
    public synchronized long available() {
        return slots.length - used.cardinality();
    }

    @Override
    public synchronized long allocate(int count) {
        int start = used.nextClearBit(0);
        while (start + count <= slots.length) {
            int taken = used.nextSetBit(start);
            if (taken < 0 || taken >= start + count) {
                used.set(start, start + count);
                return start;
            }
            start = used.nextClearBit(taken);
        }
        return NO_SLOT;
    }

    @Override
    public synchronized void free(long slot, int count) {
        used.clear((int) slot, (int) slot + count);
        Arrays.fill(slots, (int) slot, (int) slot + count, null);
    }

    @Override
    public synchronized void reattach(SlotSet known) {
        used.clear();
        known.forEach(slot -> used.set((int) slot));
    }

    @Override
    public synchronized void read(long slot, ByteBuffer to) throws IOException {
        for (int at = (int) slot; to.hasRemaining(); at++) {
            if (slots[at] == null) {
                throw new IOException("heap: slot " + at + " was never written");
            }
            to.put(slots[at]);
        }
    }

    @Override
    public synchronized void write(long slot, ByteBuffer from) {
        for (int at = (int) slot; from.hasRemaining(); at++) {
            byte[] page = new byte[PageSize.BYTES];
            from.get(page);
            slots[at] = page;
            written++;
        }
    }
}
