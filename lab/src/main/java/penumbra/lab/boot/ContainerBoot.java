// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.util.promise.Promise;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.hw.PageSize;
import penumbra.kern.Witness;

/**
 * Boots machines in a container: takes the memory away, so that everything above goes down in order, configures, and puts it
 * back.
 */
@Component(service = MachineBoot.class)
public final class ContainerBoot implements MachineBoot {
    /** Whose going takes the whole machine down. */
    private static final String MEMORY = "penumbra.hw.memory";

    private static final String SWAP = "penumbra.pager.swap";

    /** No component takes that long; a machine that is not up by then never will be. */
    private static final long PATIENCE = TimeUnit.SECONDS.toMillis(60);

    private final ServiceComponentRuntime components;
    private final ConfigurationAdmin configurations;
    private @Nullable RunningKernel running;

    /** A switch for the machine of this container. */
    @Activate
    public ContainerBoot(@Reference ServiceComponentRuntime components, @Reference ConfigurationAdmin configurations) {
        this.components = components;
        this.configurations = configurations;
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    synchronized void bindKernel(RunningKernel kernel) {
        running = kernel;
        notifyAll();
    }

    synchronized void unbindKernel(RunningKernel kernel) {
        if (running == kernel) {
            running = null;
            notifyAll();
        }
    }

    @Override
    public Kernel boot(MachineSettings settings) {
        Witness.forget();
        ComponentDescriptionDTO memory = component(MEMORY);
        ComponentDescriptionDTO swap = component(SWAP);
        await(components.disableComponent(memory));
        await(components.disableComponent(swap));
        awaitDown();
        @Nullable Path swapFile = settings.swapFile();
        configure(
                SWAP,
                Map.of(
                        "size.bytes",
                        PageSize.bytes(settings.swapPages()),
                        "path",
                        swapFile == null ? "" : swapFile.toAbsolutePath().toString()));
        configure(MEMORY, Map.of("general.bytes", PageSize.bytes(settings.pages())));
        configure(
                "penumbra.hw.sim",
                Map.of(
                        "cpus", settings.cpus(),
                        "execution", settings.execution().name(),
                        "fidelity", settings.fidelity().name()));
        configure("penumbra.vm.pmap", Map.of("optimised", settings.optimised()));
        await(components.enableComponent(swap));
        await(components.enableComponent(memory));
        return awaitUp().kernel();
    }

    private ComponentDescriptionDTO component(String bundle) {
        return components.getComponentDescriptionDTOs().stream()
                .filter(description -> description.bundle.symbolicName.equals(bundle))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("boot: bundle " + bundle + " has no component"));
    }

    private void configure(String pid, Map<String, ?> values) {
        try {
            Configuration configuration = configurations.getConfiguration(pid, "?");
            Dictionary<String, Object> properties = new Hashtable<>(values);
            configuration.updateIfDifferent(properties);
        } catch (IOException e) {
            throw new IllegalStateException("boot: " + pid + " cannot be configured: " + e.getMessage(), e);
        }
    }

    private static void await(Promise<Void> change) {
        boolean interrupted = false;
        while (true) {
            try {
                change.getValue();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (InvocationTargetException e) {
                throw new IllegalStateException("boot: a component cannot be switched: " + e.getCause(), e);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized RunningKernel awaitUp() {
        Deadline deadline = new Deadline(this, "boot: the machine does not come up");
        @Nullable RunningKernel kernel = running;
        while (kernel == null) {
            deadline.pause();
            kernel = running;
        }
        return kernel;
    }

    private synchronized void awaitDown() {
        Deadline deadline = new Deadline(this, "boot: the machine does not go down");
        while (running != null) {
            deadline.pause();
        }
    }

    /** The end of our patience; the monitor of {@code owner} is held. */
    private record Deadline(Object owner, String message, long nanos) {
        Deadline(Object owner, String message) {
            this(owner, message, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE));
        }

        void pause() {
            long left = TimeUnit.NANOSECONDS.toMillis(nanos - System.nanoTime());
            if (left <= 0) {
                throw new IllegalStateException(message);
            }
            try {
                owner.wait(left);
            } catch (InterruptedException e) {
                throw new IllegalStateException(message + ": interrupted", e);
            }
        }
    }
}
