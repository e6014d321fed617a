// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A store that hands every call on to another; whoever extends it changes or adds what it has to.
 *
 * @param <S> what is known of the other
 */
public abstract class ForwardingStore<S extends BackingStore> implements BackingStore {
    /** The one that does the work. */
    protected final S real;

    /** A store in front of {@code real}. */
    protected ForwardingStore(S real) {
        this.real = real;
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
    public void read(long slot, ByteBuffer to) throws IOException {
        real.read(slot, to);
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        real.write(slot, from);
    }

    @Override
    public void retire() {
        real.retire();
    }
}
