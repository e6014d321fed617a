// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.pager.BackingStore;

/** A store in front of another, which does what that one does; whoever extends it changes some of it. */
class StoreInFront implements BackingStore {
    private final BackingStore real;

    StoreInFront(BackingStore real) {
        this.real = real;
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        real.read(slot, to);
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        real.write(slot, from);
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public String identity() {
        return real.identity();
    }

    @Override
    public long capacity() {
        return real.capacity();
    }

    @Override
    public long available() {
        return real.available();
    }

    @Override
    public long allocate(int count) {
        return real.allocate(count);
    }

    @Override
    public void free(long slot, int count) {
        real.free(slot, count);
    }

    @Override
    public void reattach(SlotSet used) throws IOException {
        real.reattach(used);
    }

    @Override
    public void retire() {
        real.retire();
    }
}
