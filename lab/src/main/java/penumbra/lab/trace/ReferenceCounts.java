// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/** How many references of each kind there are. */
public record ReferenceCounts(long fetches, long loads, long stores, long modifies) {
    /** None of any kind. */
    public static final ReferenceCounts NONE = new ReferenceCounts(0, 0, 0, 0);

    /** All kinds together. */
    public long total() {
        return fetches + loads + stores + modifies;
    }

    /** The sum of both. */
    public ReferenceCounts plus(ReferenceCounts other) {
        return new ReferenceCounts(
                fetches + other.fetches, loads + other.loads, stores + other.stores, modifies + other.modifies);
    }

    static ReferenceCounts of(long[] byKind) {
        return new ReferenceCounts(
                byKind[Reference.FETCH], byKind[Reference.LOAD], byKind[Reference.STORE], byKind[Reference.MODIFY]);
    }
}
