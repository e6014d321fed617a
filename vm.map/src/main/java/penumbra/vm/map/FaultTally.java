// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import penumbra.map.FaultCounts;

/** Counts of faults; one thread at a time adds, under the lock of the space, and anybody reads. */
@SuppressWarnings("EnumOrdinal") // A count's place is its kind's; nothing outlives the JVM.
final class FaultTally implements FaultCounts {
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    /** How a fault ended. */
    enum Kind {
        ZERO_FILL,
        COPY_ON_WRITE,
        COPY_AVOIDED,
        SOFT,
        FILE_READ,
        SWAP_READ,
        PROTECTION
    }

    private final long[] counts = new long[Kind.values().length + 1];
    private final int all = counts.length - 1;

    /** Counts one fault that ended so. */
    void count(Kind kind) {
        add(kind.ordinal(), 1);
        add(all, 1);
    }

    /** Counts one more thing that a fault did on its way. */
    void countAlso(Kind kind) {
        add(kind.ordinal(), 1);
    }

    /** Adds what {@code other} has counted. */
    void addAll(FaultTally other) {
        for (int i = 0; i < counts.length; i++) {
            add(i, other.get(i));
        }
    }

    private void add(int index, long n) {
        COUNT.setOpaque(counts, index, get(index) + n);
    }

    private long get(int index) {
        return (long) COUNT.getOpaque(counts, index);
    }

    private long get(Kind kind) {
        return get(kind.ordinal());
    }

    @Override
    public long total() {
        return get(all);
    }

    @Override
    public long zeroFill() {
        return get(Kind.ZERO_FILL);
    }

    @Override
    public long copyOnWrite() {
        return get(Kind.COPY_ON_WRITE);
    }

    @Override
    public long copyAvoided() {
        return get(Kind.COPY_AVOIDED);
    }

    @Override
    public long soft() {
        return get(Kind.SOFT);
    }

    @Override
    public long fileRead() {
        return get(Kind.FILE_READ);
    }

    @Override
    public long swapRead() {
        return get(Kind.SWAP_READ);
    }

    @Override
    public long protection() {
        return get(Kind.PROTECTION);
    }
}
