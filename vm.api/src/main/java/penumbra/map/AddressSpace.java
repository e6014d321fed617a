// SPDX-License-Identifier: BSD-2-Clause
package penumbra.map;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.hw.Pmap;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;
import penumbra.page.Advice;

/**
 * The address space of a process: its map entries and its pmap ({@code vm_map} and {@code vmspace}).
 *
 * <p>Every operation locks the space itself and may block; the caller holds no lock. Ranges outside
 * {@code [min(), max())} are cut to it, as the original does.
 */
@ProviderType
public interface AddressSpace {
    /** The first address that can be mapped. */
    long min();

    /** The address behind the last that can be mapped. */
    long max();

    /** The mappings as the CPUs see them. */
    Pmap pmap();

    /** In whose name swap is reserved. */
    Cred cred();

    /** Bytes mapped. */
    long size();

    /**
     * Shows the entries in ascending order under the space's lock, shared: {@code visitor} must not change the space.
     */
    void forEach(Consumer<MapEntry> visitor);

    /**
     * Maps part of {@code object}, taking over the caller's reference; null for memory that comes into being when
     * touched ({@code vm_map_insert}).
     *
     * @param offset in pages
     * @param flags {@link MapFlags} for insert
     * @return NO_SPACE when something is mapped there, RESOURCE_SHORTAGE when swap could not be reserved; the reference
     *     stays the caller's on failure
     */
    KernReturn insert(@Nullable VmObject object, long offset, long start, long end, int prot, int maxProt, int flags);

    /** Maps like {@link #insert} after unmapping what was there ({@code vm_map_fixed}). */
    KernReturn fixed(@Nullable VmObject object, long offset, long start, long length, int prot, int maxProt, int flags);

    /** Reserves a stack of at most {@code maxSize} bytes below {@code start + maxSize} ({@code vm_map_stack}). */
    KernReturn stack(long start, long maxSize, int prot, int maxProt, int flags);

    /** Makes {@code start} to {@code end} a window on another space ({@code vm_map_submap}). */
    KernReturn submap(long start, long end, AddressSpace submap);

    /**
     * The first free range of {@code length} bytes from {@code start} on ({@code vm_map_findspace}); -1 when there is
     * none.
     */
    long findSpace(long start, long length);

    /** Unmaps ({@code vm_map_remove}). */
    KernReturn remove(long start, long end);

    /** Changes protection; PROTECTION_FAILURE beyond the maximum ({@code vm_map_protect}). */
    KernReturn protect(long start, long end, int prot);

    /** Lowers the maximum protection, and the protection with it ({@code vm_map_protect} with {@code set_max}). */
    KernReturn protectMax(long start, long end, int prot);

    /** Changes what children get ({@code vm_map_inherit}). */
    KernReturn inherit(long start, long end, Inheritance inheritance);

    /** Takes advice ({@code vm_map_madvise}). */
    KernReturn madvise(long start, long end, Advice advice);

    /**
     * Writes back, and forgets if {@code invalidate} ({@code vm_map_sync}). FAILURE when a page could not be written.
     */
    KernReturn sync(long start, long end, boolean syncIo, boolean invalidate);

    /** Wires ({@code vm_map_wire}); {@code flags} are {@code WIRE_} bits of {@link MapFlags}. */
    KernReturn wire(long start, long end, int flags);

    /** Unwires ({@code vm_map_unwire}). */
    KernReturn unwire(long start, long end, int flags);

    /**
     * Moves the mappings of {@code [from, from + length)} to {@code to}, keeping objects and offsets; the last is
     * extended or cut to {@code newLength}. Not in FreeBSD: what Linux's mremap needs.
     */
    KernReturn move(long from, long length, long to, long newLength);

    /**
     * Which pages are in memory ({@code mincore}): a byte a page into {@code states}, {@code MINCORE_} bits of
     * {@link MapFlags}.
     */
    KernReturn mincore(long start, long end, byte[] states);

    /**
     * Makes {@code address} accessible ({@code vm_fault}).
     *
     * @param prot the {@code Prot} bits wanted
     * @param flags {@code FAULT_} bits of {@link MapFlags}
     */
    KernReturn fault(long address, int prot, int flags);

    /** Counts since this space was made. */
    FaultCounts faults();

    /** A snapshot of the entries, for inspection. */
    List<MapEntry> entries();
}
