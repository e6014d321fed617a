// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.List;
import java.util.function.IntConsumer;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The translation tables of one address space in one {@link Mmu}.
 *
 * <p>Pages are virtual page numbers; ranges are {@code [start, end)}. Attributes are {@link MmuMapping} bits.
 */
@ConsumerType
public interface MmuSpace {
    /** What a CPU does on a TLB miss; see {@link Translation#walk}. Takes no lock. */
    long walk(long address, int access);

    /**
     * Maps {@code frame} at {@code page}. A mapping of another frame there is removed, which reports its bits. A
     * mapping of the same frame changes in place: when only accessed and modified bits differ it gains those of {@code
     * attributes}; else it is replaced, and a modified bit that is lost that way is reported.
     *
     * @param prot {@link Prot} bits; {@link Prot#NONE} makes a mapping that exists and lets no access through
     * @param attributes WIRED, MANAGED, ACCESSED, MODIFIED and the memory attribute as the new mapping is to have them;
     *     an MMU that has no such memory attribute takes a stricter one
     * @return false when no frame is left for a table; nothing was changed then
     */
    boolean enter(long page, int frame, int prot, int attributes);

    /**
     * Maps {@code frame} at {@code page} if nothing is mapped there.
     *
     * @return false when something is, or when no frame is left for a table; nothing was changed then
     */
    boolean enterQuick(long page, int frame, int prot, int attributes);

    /** How many pages a large mapping maps; 1, as by default, when there is none. */
    default int largeSize() {
        return 1;
    }

    /**
     * Maps {@link #largeSize} consecutive frames from {@code frame} on by one large mapping if nothing is mapped there.
     * Page and frame are multiples of that size; {@code attributes} say MODIFIED if {@code prot} has WRITE.
     *
     * @return false when something is mapped, when no frame is left for a table, or when there are no large mappings;
     *     nothing was changed then
     */
    default boolean enterLarge(long page, int frame, int prot, int attributes) {
        return false;
    }

    /**
     * Where {@link #enterQuick} would map without making a table.
     *
     * @param count how many pages from {@code start} on to look at, 1 to 64
     * @return bit i says it of page {@code start + i}
     */
    long prefaultable(long start, int count);

    /** Removes the mappings of the range, reporting the bits of managed ones. */
    void remove(long start, long end);

    /** Removes every unwired mapping. */
    void removeUnwired();

    /**
     * Takes away what {@code prot} lacks. Losing WRITE reports the modified bit; if {@link MmuReports#optimised} the
     * mapping may keep it instead.
     */
    void protect(long start, long end, int prot);

    /** Sets or clears WIRED of the mapping at {@code page}; returns false when there is none. */
    boolean changeWiring(long page, boolean wired);

    /**
     * Clears ACCESSED and MODIFIED of managed mappings in the range; reports MODIFIED first if {@code keepModified}.
     */
    void advise(long start, long end, boolean keepModified);

    /**
     * May map what {@code source}, a space of the same MMU, maps in the range: at the same pages where nothing is
     * mapped, without WRITE, unwired and unmodified. An optimisation; nothing by default.
     */
    default void copy(MmuSpace source, long start, long end) {
        // The pages are mapped when they are used.
    }

    /** The mapping at {@code page} as {@link MmuMapping#of} says it, or {@link MmuMapping#NONE}. */
    long query(long page);

    /**
     * Tells {@code holder} which frame is mapped at {@code page} if the mapping allows all of {@code prot}; whoever
     * removes it for the sake of its frame waits until {@code holder}, which takes no lock, returns.
     *
     * @return whether it did
     */
    boolean hold(long page, int prot, IntConsumer holder);

    /**
     * The entries that hardware reads for {@code page}, from the root of the tables on, one line each, for people;
     * empty when the MMU has nothing to show, as by default.
     */
    default List<String> path(long page) {
        return List.of();
    }

    /** How many pages are mapped. */
    long residentCount();

    /** How many mappings are wired. */
    long wiredCount();

    /** Shows every mapping in ascending order under the space's lock. */
    void forEach(MappingVisitor visitor);

    /** Gives the tables back; unwired or wired, whatever is left is reported and removed. */
    void release();
}
