// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.nio.ByteBuffer;
import java.util.BitSet;
import penumbra.hw.PageSize;
import penumbra.pager.BackingStore;

/** A backing store of slots on the Java heap, first fit, with a block 0 that is never used. */
final class MemoryStore implements BackingStore {
    private final BitSet used = new BitSet();
    private final byte[] contents;
    private final int slots;

    MemoryStore(int slots) {
        this.slots = slots;
        contents = new byte[slots << PageSize.SHIFT];
        used.set(0);
    }

    @Override
    public String name() {
        return "heap";
    }

    @Override
    public String identity() {
        return "heap:" + slots;
    }

    @Override
    public long capacity() {
        return slots;
    }

    @Override
    public synchronized long available() {
        return slots - used.cardinality();
    }

    @Override
    public synchronized long allocate(int count) {
        for (int start = used.nextClearBit(0); start + count <= slots; start = used.nextClearBit(start)) {
            int end = used.nextSetBit(start);
            if (end < 0 || end - start >= count) {
                used.set(start, start + count);
                return start;
            }
            start = end;
        }
        return NO_SLOT;
    }

    @Override
    public synchronized void free(long slot, int count) {
        used.clear((int) slot, (int) slot + count);
    }

    @Override
    public synchronized void reattach(SlotSet slotSet) {
        used.clear();
        used.set(0);
        slotSet.forEach(slot -> used.set((int) slot));
    }

    @Override
    public synchronized void read(long slot, ByteBuffer to) {
        to.put(contents, (int) slot << PageSize.SHIFT, to.remaining());
    }

    @Override
    public synchronized void write(long slot, ByteBuffer from) {
        from.get(contents, (int) slot << PageSize.SHIFT, from.remaining());
    }
}
