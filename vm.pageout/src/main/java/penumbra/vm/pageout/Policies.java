// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.policy.PagePolicy;

/**
 * The policies that are there, and which of them serves: the one that was asked for last whenever it is there, else the
 * configured one, else FreeBSD's own. Thread-safe.
 */
final class Policies {
    private static final Logger LOG = LoggerFactory.getLogger(Policies.class);

    private final PagePolicy fallback = new FreeBsd10Policy();

    // Guarded by this.

    private PagePolicy serving = fallback;

    /** The one that scans just now, and on which thread. */
    private @Nullable PagePolicy scanning;

    private @Nullable Thread scanner;

    /** The latest of each name first. */
    private final List<Present> present = new ArrayList<>();

    private String configured = fallback.name();
    private String wanted = configured;

    /** A policy and the name that it had when it came. */
    private record Present(String name, PagePolicy policy) {}

    Policies() {
        present.add(new Present(fallback.name(), fallback));
    }

    /** Adds a policy, unless it cannot even say its name. */
    synchronized void add(PagePolicy added) {
        try {
            present.add(0, new Present(added.name(), added));
        } catch (RuntimeException | LinkageError e) {
            LOG.error("a policy failed to say its name", e);
            return;
        }
        choose();
    }

    /**
     * Forgets a policy; FreeBSD's own stays. Blocks until its scan has ended, except on the thread of that scan: its
     * code may be gone next. An interrupt is kept for the caller.
     */
    synchronized void remove(PagePolicy removed) {
        present.removeIf(other -> other.policy == removed && removed != fallback);
        choose();
        boolean interrupted = false;
        while (scanning == removed && scanner != Thread.currentThread()) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sets which one serves unless another is asked for; a change counts as asking for it. */
    synchronized void configure(String name) {
        if (!name.equals(configured)) {
            configured = name;
            wanted = name;
            choose();
        }
    }

    /** Asks for a policy; false when there is none of that name. */
    synchronized boolean use(String name) {
        if (find(name) == null) {
            return false;
        }
        wanted = name;
        choose();
        return true;
    }

    /** The one that serves, for a scan; there is one at a time, and {@link #endScan} ends it. */
    synchronized PagePolicy beginScan() {
        scanning = serving;
        scanner = Thread.currentThread();
        return serving;
    }

    synchronized void endScan() {
        scanning = null;
        scanner = null;
        notifyAll();
    }

    /** The name of the one that serves. */
    synchronized String name() {
        return present.stream()
                .filter(each -> each.policy == serving)
                .map(Present::name)
                .findFirst()
                .orElseThrow();
    }

    private void choose() {
        @Nullable PagePolicy found = find(wanted);
        if (found == null) {
            found = find(configured);
        }
        serving = found == null ? fallback : found;
    }

    private @Nullable PagePolicy find(String name) {
        return present.stream()
                .filter(each -> each.name.equals(name))
                .map(Present::policy)
                .findFirst()
                .orElse(null);
    }
}
