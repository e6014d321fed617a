// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Arrays;
import java.util.function.LongConsumer;

/** A list of longs without boxes. Not thread-safe. */
final class LongList {
    private long[] values = new long[64];
    private int size;

    void add(long value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, 2 * size);
        }
        values[size++] = value;
    }

    /** Adds {@code count} values from {@code first} on. */
    void addRun(long first, int count) {
        for (int i = 0; i < count; i++) {
            add(first + i);
        }
    }

    /** Sorts the values and keeps one of each. */
    void sort() {
        Arrays.sort(values, 0, size);
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (i == 0 || values[i] != values[i - 1]) {
                values[kept++] = values[i];
            }
        }
        size = kept;
    }

    int size() {
        return size;
    }

    /** Whether {@code value} is in the list, which has been sorted. */
    boolean contains(long value) {
        return Arrays.binarySearch(values, 0, size, value) >= 0;
    }

    void forEach(LongConsumer visitor) {
        for (int i = 0; i < size; i++) {
            visitor.accept(values[i]);
        }
    }
}
