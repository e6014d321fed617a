// SPDX-License-Identifier: BSD-2-Clause
package hello;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.concurrent.atomic.LongAdder;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import penumbra.pager.BackingStore;

/** A backing store of your own: swapped pages in the Java heap. It outranks the swap file, and says what it did. */
@Component(property = "service.ranking:Integer=100")
public final class HelloStore implements BackingStore {
    private static final int PAGE = 4096;

    private final byte[][] pages;
    private final BitSet used = new BitSet();
    private final LongAdder written = new LongAdder();
    private final LongAdder read = new LongAdder();

    /** 64 MiB. */
    @Activate
    public HelloStore() {
        this(16_384);
    }

    HelloStore(int slots) {
        pages = new byte[slots][];
        System.out.printf("hello: room for %,d pages%n", slots);
    }

    @Deactivate
    void goodbye() {
        System.out.printf("hello: %,d pages came, %,d were read; goodbye%n", written.sum(), read.sum());
    }

    @Override
    public String name() {
        return "hello";
    }

    /** What is in the heap does not survive a restart, so what comes back is known and then found to be empty. */
    @Override
    public String identity() {
        return "hello";
    }

    @Override
    public long capacity() {
        return pages.length;
    }

    @Override
    public synchronized long available() {
        return pages.length - used.cardinality();
    }

    /** First fit. */
    @Override
    public synchronized long allocate(int count) {
        for (int start = used.nextClearBit(0); start + count <= pages.length; ) {
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
    }

    @Override
    public synchronized void reattach(SlotSet known) throws IOException {
        BitSet wanted = new BitSet();
        known.forEach(slot -> wanted.set((int) slot));
        BitSet lost = (BitSet) wanted.clone();
        lost.andNot(used);
        if (!lost.isEmpty()) {
            throw new IOException("hello: " + lost.cardinality() + " pages are not here any more");
        }
        used.and(wanted);
    }

    /** Transfers of one slot never overlap, so they need no lock. */
    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        for (long at = slot; from.hasRemaining(); at++) {
            byte[] page = new byte[PAGE];
            from.get(page);
            pages[index(at)] = page;
            written.increment();
        }
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        for (long at = slot; to.hasRemaining(); at++) {
            byte[] page = pages[index(at)];
            if (page == null) {
                throw new IOException("hello: nothing was written to slot " + at);
            }
            to.put(page);
            read.increment();
        }
    }

    private int index(long slot) throws EOFException {
        if (slot < 0 || slot >= pages.length) {
            throw new EOFException("hello: slot " + slot + " of " + pages.length);
        }
        return (int) slot;
    }
}
