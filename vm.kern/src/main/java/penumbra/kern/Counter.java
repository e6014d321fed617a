// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.concurrent.atomic.LongAdder;

/**
 * A named event count that many threads may add to without meeting; reading it is a sum that may be a little behind.
 */
public final class Counter {
    private final String name;
    private final LongAdder count = new LongAdder();

    /** @param name FreeBSD's name of the statistic where it has one: {@code "v_cow_faults"} */
    public Counter(String name) {
        this.name = name;
    }

    /** The name of the statistic. */
    public String name() {
        return name;
    }

    /** Counts one event. */
    public void increment() {
        count.increment();
    }

    /** Counts {@code n} events. */
    public void add(long n) {
        count.add(n);
    }

    /** The events counted so far. */
    public long get() {
        return count.sum();
    }
}
