// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The mappings of one address space, whichever MMU keeps them: a cache of what maps and objects know, except for wired
 * mappings, which stay.
 *
 * <p>Every method locks for itself ({@code PMAP}, then {@code PV}); callers may hold object and page locks. None
 * blocks. Addresses are page-aligned bytes; ranges are {@code [start, end)}. Contract: FreeBSD's {@code pmap(9)}.
 */
@ProviderType
public interface Pmap extends Translation {
    /**
     * Maps {@code page} at {@code address}, replacing what was there ({@code pmap_enter}). The accessed bit is set, and
     * the modified bit when {@code access} is {@link Prot#WRITE}. Marks a managed page writeable when {@code prot} has
     * WRITE. What the replaced mapping's bits said goes to its page. Cannot fail.
     *
     * @param access the {@link Prot} kind of access that is going to be made; {@link Prot#NONE} for none
     */
    void enter(long address, int access, PhysicalPage page, int prot, boolean wired);

    /**
     * Maps {@code page} for reading and executing only, unwired and not accessed, if nothing is mapped there and the
     * tables are there or can be made ({@code pmap_enter_quick}).
     */
    void enterQuick(long address, PhysicalPage page, int prot);

    /**
     * Maps {@code pages} as {@link #enterQuick} does, one behind the other from {@code address} on, by large mappings
     * where it can ({@code pmap_enter_object}).
     */
    void enterObject(long address, List<? extends PhysicalPage> pages, int prot);

    /** How many pages a large mapping maps; 1 when there are none. */
    int largeSize();

    /**
     * Where to map {@code length} bytes of an object, from its byte {@code offset} on, so that large mappings fit: at
     * {@code address} or behind it by less than one of them; a hint ({@code pmap_align_superpage}).
     */
    long alignSuperpage(long address, long offset, long length);

    /**
     * Maps the unmanaged {@code pages} of a device, one behind the other from {@code address} on, if large mappings
     * will do for all of them: then faults need not ({@code pmap_object_init_pt}). Else it does nothing.
     */
    void initObject(long address, List<? extends PhysicalPage> pages, int prot);

    /**
     * Which slots are empty while their table page is present ({@code pmap_is_prefaultable}): of many pages at once,
     * since a fault that asks for each of its neighbours takes the pmap's lock each time.
     *
     * @param count how many pages from {@code address} on to look at, 1 to 64
     * @return bit i says it of the page i pages behind {@code address}
     */
    long prefaultable(long address, int count);

    /** Removes the mappings of the range, wired ones too; reports accessed and modified bits ({@code pmap_remove}). */
    void remove(long start, long end);

    /** Removes every unwired mapping, at process exit ({@code pmap_remove_pages}). */
    void removePages();

    /**
     * Lowers the protection of the range to {@code prot}; without READ it removes; losing WRITE reports the modified
     * bit ({@code pmap_protect}). Never raises protection.
     */
    void protect(long start, long end, int prot);

    /**
     * Sets or clears the wired attribute of the mapping at {@code address}, which must exist ({@code
     * pmap_change_wiring}).
     */
    void changeWiring(long address, boolean wired);

    /**
     * Clears accessed and modified bits of managed mappings in the range ({@code pmap_advise}).
     *
     * @param keepModified whether a modified bit is first reported to its page (MADV_DONTNEED) or forgotten (MADV_FREE)
     */
    void advise(long start, long end, boolean keepModified);

    /** The frame mapped at {@code address}, or -1 ({@code pmap_extract}). */
    int extract(long address);

    /** The protection of the mapping at {@code address}, 0 when nothing is mapped. */
    int protection(long address);

    /**
     * The page that is mapped at {@code address}, held, if the mapping allows all of {@code prot}; else null
     * ({@code pmap_extract_and_hold}). The caller takes the hold back.
     */
    @Nullable
    PhysicalPage extractAndHold(long address, int prot);

    /**
     * The mapping at {@code address} as {@link MmuMapping#of} says it, or {@link MmuMapping#NONE} ({@code
     * pmap_mincore}).
     */
    long mapping(long address);

    /** Whether one of the first 16 mappings of {@code page} is this space's ({@code pmap_page_exists_quick}). */
    boolean existsQuick(PhysicalPage page);

    /**
     * Copies mappings of {@code source} for a fork, read-only; an optimisation that may do nothing ({@code pmap_copy}).
     */
    void copy(Pmap source, long destination, long length, long from);

    /** The entries that hardware reads for {@code address}, as {@link MmuSpace#path} shows them ({@code show pte}). */
    default List<String> path(long address) {
        return List.of();
    }

    /** How many pages are mapped. */
    long residentCount();

    /** How many mappings are wired. */
    long wiredCount();

    /** Shows every mapping in ascending address order; for inspection and the invariants checker. */
    void forEach(MappingVisitor visitor);

    /** Gives the tables back; nothing may be mapped any more ({@code pmap_release}). */
    void release();
}
