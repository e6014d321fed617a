// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Messages about failing transfers, one a second at most, as FreeBSD prints them. */
final class Complaints {
    private static final Logger LOG = LoggerFactory.getLogger(VnodePager.class);
    private static final long PERIOD = TimeUnit.SECONDS.toNanos(1);

    private final AtomicLong quietUntil = new AtomicLong(System.nanoTime());

    /** Says that {@code what} of the file failed, unless something was said just before. */
    void say(String file, String what, Exception cause) {
        long now = System.nanoTime();
        long until = quietUntil.get();
        if (now - until >= 0 && quietUntil.compareAndSet(until, now + PERIOD)) {
            LOG.warn("{}: {}: {}", file, what, cause.toString());
        }
    }
}
