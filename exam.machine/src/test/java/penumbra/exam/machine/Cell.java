// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the first word of a page must be. A page of one process has exactly what it wrote; one that several have in
 * common counts up, and a reader sees a number between those that were reached before and after it looked.
 */
final class Cell {
    private final AtomicLong begun;
    private final AtomicLong done;
    /** The last word of the page, which nobody writes once it is shared. */
    private volatile long last;

    private volatile boolean shared;

    Cell(long first, long last) {
        this.begun = new AtomicLong(first);
        this.done = new AtomicLong(first);
        this.last = last;
    }

    Cell copy() {
        return new Cell(done.get(), last);
    }

    void share() {
        shared = true;
    }

    boolean shared() {
        return shared;
    }

    void set(long first, long last) {
        begun.set(first);
        done.set(first);
        this.last = last;
    }

    long last() {
        return last;
    }

    void beginIncrement() {
        begun.incrementAndGet();
    }

    void endIncrement() {
        done.incrementAndGet();
    }

    /** The least that a look which begins now can see. */
    long least() {
        return done.get();
    }

    /** The most that a look which ended now can have seen. */
    long most() {
        return begun.get();
    }
}
