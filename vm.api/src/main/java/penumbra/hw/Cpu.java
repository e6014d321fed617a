// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A simulated CPU: it loads, stores and fetches through a TLB of its own.
 *
 * <p>One thread at a time drives a CPU. It is in kernel mode until {@link #enterUser} and after {@link #leaveUser};
 * only in between may it access memory. In kernel mode it is quiescent: a shootdown does not wait for it, and it
 * forgets what was invalidated before it accesses memory again. In user mode it answers shootdowns between two
 * accesses, so a thread in user mode must either keep accessing or leave; it must not block. A trap takes the CPU to
 * kernel mode and back.
 *
 * <p>An access may cross a page: both pages are made accessible before a byte is stored. Every access throws
 * {@link MemoryFault} when the trap handler refuses it; nothing was stored then.
 */
@ProviderType
public interface Cpu {
    /** The CPU's number, from 0. */
    int number();

    /** Makes {@code space} the one this CPU runs; in kernel mode only ({@code pmap_activate}). */
    void activate(Translation space);

    /** The space this CPU runs; null before the first {@link #activate}. */
    @Nullable
    Translation active();

    /** Enters user mode. */
    void enterUser();

    /** Leaves user mode; does nothing in kernel mode. */
    void leaveUser();

    /** Loads {@code size} (1 to 8) bytes, zero-extended, little-endian. */
    long load(long address, int size);

    /** Stores the low {@code size} (1 to 8) bytes of {@code value}. */
    void store(long address, int size, long value);

    /** Fetches {@code size} (1 to 8) bytes as instructions. */
    long fetch(long address, int size);

    /** Replaces the aligned 8 bytes at {@code address} if they are {@code expected}, in one step. */
    boolean compareAndSet(long address, long expected, long value);

    /** Loads {@code length} bytes as accesses of the {@link Prot} kind {@code access} (READ or EXECUTE). */
    void load(long address, int access, byte[] to, int toOffset, int length);

    /** Stores {@code length} bytes. */
    void store(long address, byte[] from, int fromOffset, int length);

    /** Accesses by this CPU since boot that its TLB answered. */
    long tlbHits();

    /** Walks of translation tables by this CPU since boot. */
    long walks();

    /** Traps taken by this CPU since boot. */
    long traps();
}
