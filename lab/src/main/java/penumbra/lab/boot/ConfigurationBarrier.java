// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * A way to wait until everybody has heard of changed configurations.
 *
 * <p>Changes are told later, on a thread of their own, in the order in which they were made; a component that is
 * enabled before gets the old values. So a change of our own comes last, and whoever heard of it has heard of all
 * before.
 */
@Component(service = {ConfigurationBarrier.class, ConfigurationListener.class})
public final class ConfigurationBarrier implements ConfigurationListener {
    private static final String PID = "penumbra.lab.boot";

    /** Nobody who is told of a change takes that long. */
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);

    private final ConfigurationAdmin configurations;
    private long asked;
    private long heard;

    /** A barrier in this container. */
    @Activate
    public ConfigurationBarrier(@Reference ConfigurationAdmin configurations) {
        this.configurations = configurations;
    }

    @Override
    public synchronized void configurationEvent(ConfigurationEvent event) {
        if (event.getPid().equals(PID)) {
            heard++;
            notifyAll();
        }
    }

    /** Blocks until every change that was made before has been told to everybody. */
    synchronized void await() {
        long mine = ++asked;
        try {
            Configuration marker = configurations.getConfiguration(PID, "?");
            marker.update(new Hashtable<>(Map.of("boot", mine)));
        } catch (IOException e) {
            throw new UncheckedIOException("configuration " + PID, e);
        }
        long deadline = System.nanoTime() + PATIENCE;
        while (heard < mine) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (left <= 0) {
                throw new IllegalStateException("changed configurations do not get through");
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while configurations change", e);
            }
        }
    }
}
