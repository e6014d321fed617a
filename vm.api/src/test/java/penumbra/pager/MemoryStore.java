// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.UUID;
import penumbra.hw.PageSize;

/**
 * A store in the heap for tests: plain arrays, first fit bit by bit, so that nothing of it is shared with a real one.
 */
public final class MemoryStore implements BackingStore {
    private final String identity = UUID.randomUUID().toString();
    private final byte[][] contents;
    private BitSet free;
    private boolean retired;

    /** A store of {@code slots} slots, all of them usable. */
    public MemoryStore(int slots) {
        contents = new byte[slots][PageSize.BYTES];
        free = new BitSet(slots);
        free.set(0, slots);
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public String identity() {
        return identity;
    }

    @Override
    public long capacity() {
        return contents.length;
    }

    @Override
    public synchronized long available() {
        return free.cardinality();
    }

    @Override
    public synchronized long allocate(int count) {
        for (int at = free.nextSetBit(0); at >= 0; at = free.nextSetBit(at + 1)) {
            if (free.nextClearBit(at) >= at + count) {
                free.clear(at, at + count);
                return at;
            }
        }
        return NO_SLOT;
    }

    @Override
    public synchronized void free(long slot, int count) {
        if (free.get((int) slot, (int) slot + count).cardinality() > 0) {
            throw new IllegalStateException("slot " + slot + " is freed twice");
        }
        free.set((int) slot, (int) slot + count);
    }

    @Override
    public synchronized void reattach(SlotSet used) throws IOException {
        BitSet fresh = new BitSet(contents.length);
        fresh.set(0, contents.length);
        boolean[] wrong = {false};
        used.forEach(slot -> {
            wrong[0] |= slot < 0 || slot >= contents.length || !fresh.get((int) slot);
            fresh.clear((int) slot);
        });
        if (wrong[0]) {
            throw new IOException("a slot is not mine");
        }
        free = fresh;
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        for (int at = (int) slot; to.hasRemaining(); at++) {
            to.put(page(at));
        }
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        for (int at = (int) slot; from.hasRemaining(); at++) {
            from.get(page(at));
        }
    }

    /** The live contents of a slot, for tests that corrupt them. */
    public byte[] page(int slot) throws IOException {
        if (slot >= contents.length) {
            throw new EOFException("slot " + slot);
        }
        return contents[slot];
    }

    @Override
    public synchronized void retire() {
        retired = true;
    }

    /** Whether {@link #retire} was called. */
    public synchronized boolean retired() {
        return retired;
    }
}
