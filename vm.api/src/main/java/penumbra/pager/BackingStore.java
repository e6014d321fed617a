// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A keeper of swapped pages in numbered slots of one page each. For others to implement; {@code vm.pager} is its only
 * caller and wraps it.
 *
 * <p>A store knows no objects: which page a slot holds, and with which version and checksum, is written in the location
 * maps, so a lost, stale, torn or misdirected transfer is found by the caller. Thread-safe; {@link #allocate},
 * {@link #free} and the figures never block; {@link #read} and {@link #write} may, and are called with no lock held.
 * Transfers of the same slot never overlap. A write has happened when the method returns; it need not be durable.
 */
@ConsumerType
public interface BackingStore {
    /** What {@link #allocate} answers when no such run is free. */
    long NO_SLOT = -1;

    /** Slots in the longest run that one transfer moves (FreeBSD's {@code MAX_PAGEOUT_CLUSTER}). */
    int MAX_RUN = 16;

    /** The name that commands use: {@code "file"}. */
    String name();

    /** What this store is recognised by when it comes back: survives a restart of its bundle, unlike the service. */
    String identity();

    /** All slots, used or free or never usable. */
    long capacity();

    /**
     * Slots that could be allocated. A store whose pages take more or less room, as they compress, answers for pages
     * that take little: that its room is used up shows in {@link #allocate}.
     */
    long available();

    /**
     * Takes a run of {@code count} (1 to 32) adjacent slots.
     *
     * @return its first slot, or {@link #NO_SLOT}
     */
    long allocate(int count);

    /** Gives slots back; they need not have been allocated in one run. */
    void free(long slot, int count);

    /**
     * Forgets what is allocated and takes exactly the slots that {@code used} names, ascending. With none, this is how
     * a store begins, also again after {@link #retire}; with some, the way back of one whose pages are still referred
     * to.
     *
     * @throws IOException when a slot cannot be this store's, and nothing was changed then; or when it cannot be used
     */
    void reattach(SlotSet used) throws IOException;

    /** Fills {@code to} from its position to its limit (a multiple of the page size) from {@code slot} on. */
    void read(long slot, ByteBuffer to) throws IOException;

    /** Writes {@code from} from its position to its limit (a multiple of the page size) from {@code slot} on. */
    void write(long slot, ByteBuffer from) throws IOException;

    /**
     * Learns that no page refers to this store any more and none will before the next {@link #reattach}: swapped off,
     * or the machine was halted. Files made for the occasion go now, and only now.
     */
    default void retire() {}

    /** The slots in use, ascending. */
    @FunctionalInterface
    interface SlotSet {
        void forEach(LongConsumer slot);
    }
}
