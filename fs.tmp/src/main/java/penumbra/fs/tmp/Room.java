// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.util.concurrent.atomic.AtomicLong;

/** How many pages the files of one file system have, and may have. Thread-safe. */
final class Room {
    private final AtomicLong used = new AtomicLong();
    private volatile long limit;

    Room(long pages) {
        limit = pages;
    }

    /** Allows another number of pages; what is used stays used. */
    void setLimit(long pages) {
        limit = pages;
    }

    /** Takes {@code pages} pages; false when there are not so many. */
    boolean take(long pages) {
        while (true) {
            long before = used.get();
            if (pages > limit - before) {
                return false;
            }
            if (used.compareAndSet(before, before + pages)) {
                return true;
            }
        }
    }

    void give(long pages) {
        used.addAndGet(-pages);
    }

    long used() {
        return used.get();
    }
}
