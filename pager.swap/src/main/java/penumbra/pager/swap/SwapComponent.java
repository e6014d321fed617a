// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.io.IOException;
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
import penumbra.pager.ForwardingStore;

/**
 * A swap file as a component. When it goes, its file stays, so that an updated or restarted one finds it again; a
 * temporary file is deleted when the store is retired, when the framework stops, or with the JVM.
 */
@Component(name = "penumbra.pager.swap", service = BackingStore.class)
@Designate(ocd = SwapConfig.class)
public final class SwapComponent extends ForwardingStore<FileStore> {
    private static final Logger LOG = LoggerFactory.getLogger(SwapComponent.class);

    private final BundleContext context;
    private final Bundle framework;
    private SwapFileSettings settings;

    /** Opens the file. */
    @Activate
    public SwapComponent(BundleContext context, SwapConfig config) throws IOException {
        super(FileStore.open(settings(context, config), Opener.HOST));
        this.context = context;
        this.framework = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION);
        this.settings = settings(context, config);
    }

    private static SwapFileSettings settings(BundleContext context, SwapConfig config) {
        boolean temporary = config.path().isEmpty();
        Path path = temporary ? temporaryPath(context, config.name()) : Path.of(config.path());
        long pages = PageSize.index(config.size_bytes());
        return new SwapFileSettings(config.name(), path, pages, config.preallocate(), config.direct(), temporary);
    }

    /** The same for each component of this name in this framework, whatever becomes of bundles in between. */
    private static Path temporaryPath(BundleContext context, String name) {
        String framework = context.getProperty(Constants.FRAMEWORK_UUID);
        return Path.of(System.getProperty("java.io.tmpdir"), "penumbra-" + framework + "-" + name + ".swap");
    }

    /** Pages are where they are: another size or place is for the time after swapoff. */
    @Modified
    void modified(SwapConfig config) {
        SwapFileSettings changed = settings(context, config);
        if (!changed.equals(settings)) {
            settings = changed;
            real.change(changed);
            LOG.warn("swap {}: {} is used when it is swapped on again after swapoff", name(), changed);
        }
    }

    @Deactivate
    void stop() {
        if (framework.getState() == Bundle.STOPPING) {
            real.retire();
        }
        real.close();
    }
}
