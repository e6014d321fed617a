// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.PageSize;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.pager.BackingStore;

/**
 * A swap file as a component. When it goes, its file stays, so that an updated or restarted one finds it again; a temporary
 * file is deleted when the store is retired, when the framework stops, or with the JVM.
 */
@Component(name = "penumbra.pager.swap", service = BackingStore.class)
@Designate(ocd = SwapConfig.class)
public final class SwapComponent implements BackingStore {
    private static final Logger LOG = LoggerFactory.getLogger(SwapComponent.class);

    private final FileStore store;
    private final Bundle framework;
    private final String frameworkId;
    private SwapFileSettings settings;

    /** Opens the file. */
    @Activate
    public SwapComponent(BundleContext context, SwapConfig config) throws IOException {
        framework = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION);
        frameworkId = context.getProperty(Constants.FRAMEWORK_UUID);
        settings = settings(config);
        store = FileStore.open(settings, Opener.HOST);
    }

    private SwapFileSettings settings(SwapConfig config) {
        boolean temporary = config.path().isEmpty();
        Path path = temporary ? temporaryPath(config.name()) : Path.of(config.path());
        long pages = PageSize.index(config.size_bytes());
        return new SwapFileSettings(config.name(), path, pages, config.preallocate(), config.direct(), temporary);
    }

    /** The same for each component of this name in this framework, whatever becomes of bundles in between. */
    private Path temporaryPath(String name) {
        return Path.of(System.getProperty("java.io.tmpdir"), "penumbra-" + frameworkId + "-" + name + ".swap");
    }

    /** Pages are where they are: another size or place is for the time after swapoff. */
    @Modified
    void modified(SwapConfig config) {
        SwapFileSettings changed = settings(config);
        if (!changed.equals(settings)) {
            settings = changed;
            store.change(changed);
            LOG.warn("swap {}: {} is used when it is swapped on again after swapoff", store.name(), changed);
        }
    }

    @Deactivate
    void stop() {
        if (framework.getState() == Bundle.STOPPING) {
            store.retire();
        }
        store.close();
    }

    @Override
    public String name() {
        return store.name();
    }

    @Override
    public String identity() {
        return store.identity();
    }

    @Override
    public long capacity() {
        return store.capacity();
    }

    @Override
    public long available() {
        return store.available();
    }

    @Override
    public long allocate(int count) {
        return store.allocate(count);
    }

    @Override
    public void free(long slot, int count) {
        store.free(slot, count);
    }

    @Override
    public void reattach(SlotSet used) throws IOException {
        store.reattach(used);
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        store.read(slot, to);
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        store.write(slot, from);
    }

    @Override
    public void retire() {
        store.retire();
    }
}
