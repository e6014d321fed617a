// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.util.promise.Promise;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.hw.PageSize;
import penumbra.inspect.CommandFailure;
import penumbra.kern.Witness;
import penumbra.lab.cli.CoreBundles;
import penumbra.lab.cli.Needs;
import penumbra.pager.BackingStore;

/**
 * Boots machines out of the components of this container.
 *
 * <p>The whole kernel hangs, by mandatory references, on the component of the memory. Disabling it and all that hangs
 * on it, from the top, halts the machine; enabling them again from the bottom boots one, with whatever configurations
 * are in force then.
 */
@Component(service = {MachineBoot.class, PowerSwitch.class})
public final class PowerSwitch implements MachineBoot {
    private static final String MEMORY = "penumbra.hw.memory";
    private static final String MACHINE = "penumbra.hw.sim";
    private static final String PMAP = "penumbra.vm.pmap";
    private static final String SWAP = "penumbra.pager.swap";

    /** The name of the swap file's configuration that every boot sets; others are an operator's. */
    private static final String SWAP_FILE = "boot";

    private static final String ZSWAP = "penumbra.pager.zswap";

    private final BundleContext context;
    private final ServiceComponentRuntime components;
    private final ConfigurationAdmin configurations;
    private final ConfigurationBarrier barrier;
    private final Needs needs;

    /** The names of what was disabled and not enabled again, the last first. */
    private final Deque<String> halted = new ArrayDeque<>();

    @Activate
    public PowerSwitch(
            BundleContext context,
            @Reference ServiceComponentRuntime components,
            @Reference ConfigurationAdmin configurations,
            @Reference ConfigurationBarrier barrier,
            @Reference Needs needs) {
        this.context = context;
        this.components = components;
        this.configurations = configurations;
        this.barrier = barrier;
        this.needs = needs;
    }

    @Override
    public synchronized Kernel boot(MachineSettings settings) {
        List<String> inactive = CoreBundles.inactive(context);
        if (!inactive.isEmpty()) {
            throw new CommandFailure("there is no machine: core bundle " + inactive.get(0) + " is stopped");
        }
        halt();
        ComponentDescriptionDTO swap = component(SWAP);
        // What is in the swap file belongs to the machine that is gone.
        retireStore(swap.name);
        await(components.disableComponent(swap));
        Witness.forget();
        configure(settings);
        barrier.await();
        await(components.enableComponent(swap));
        enableAll();
        ServiceReference<KernelServices> up = context.getServiceReference(KernelServices.class);
        KernelServices services = up == null ? null : context.getService(up);
        if (services == null) {
            throw new IllegalStateException("the machine does not come up: " + String.join("; ", needs.unsatisfied()));
        }
        return checked(services.kernel(), settings);
    }

    /** A machine other than the one that was asked for would make every result worthless. */
    private static Kernel checked(Kernel kernel, MachineSettings settings) {
        if (kernel.pages().limits().pageCount() != settings.pages()
                || kernel.machine().fidelity() != settings.fidelity()
                || kernel.machine().execution() != settings.execution()) {
            throw new IllegalStateException("the machine that came up is not the one that was asked for: "
                    + kernel.pages().limits().pageCount() + " pages, "
                    + kernel.machine().fidelity() + ", " + kernel.machine().execution());
        }
        return kernel;
    }

    /** Takes the machine down from the top, and leaves it down. */
    synchronized void halt() {
        for (ComponentDescriptionDTO component : Dependants.of(components, component(MEMORY))) {
            await(components.disableComponent(component));
            halted.push(component.name);
        }
    }

    /** Boots an empty machine like the last one if that was halted, and all core bundles are there. */
    synchronized void resume() {
        if (CoreBundles.inactive(context).isEmpty() && !halted.isEmpty()) {
            Witness.forget();
            enableAll();
        }
    }

    /** Enables what was halted, from the bottom; a bundle may have been installed anew meanwhile, or be gone. */
    private void enableAll() {
        while (!halted.isEmpty()) {
            String name = halted.pop();
            for (ComponentDescriptionDTO description : List.copyOf(components.getComponentDescriptionDTOs())) {
                if (description.name.equals(name)) {
                    await(components.enableComponent(description));
                }
            }
        }
    }

    private void configure(MachineSettings settings) {
        Path swapFile = settings.swapFile();
        long compressed = PageSize.bytes(settings.compressedPages());
        set(MEMORY, Map.of("general.bytes", PageSize.bytes(settings.pages()), "compressed.bytes", compressed));
        set(
                MACHINE,
                Map.of(
                        "cpus", settings.cpus(),
                        "execution", settings.execution().name(),
                        "fidelity", settings.fidelity().name()));
        set(PMAP, Map.of("optimised", settings.optimised()));
        setFactory(
                SWAP,
                SWAP_FILE,
                Map.of(
                        "size.bytes",
                        PageSize.bytes(settings.swapPages()),
                        "path",
                        swapFile == null ? "" : swapFile.toAbsolutePath().toString()));
        if (compressed > 0) {
            set(ZSWAP, Map.of());
        } else {
            remove(ZSWAP);
        }
    }

    /** Removes a configuration, and with it the component that must have one. */
    private void remove(String pid) {
        try {
            Configuration[] there = configurations.listConfigurations("(service.pid=" + pid + ")");
            if (there != null) {
                there[0].delete();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("configuration " + pid, e);
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Sets some properties of a configuration and leaves its others as they are. */
    private void set(String pid, Map<String, Object> values) {
        try {
            set(configurations.getConfiguration(pid, "?"), values);
        } catch (IOException e) {
            throw new UncheckedIOException("configuration " + pid, e);
        }
    }

    /** The same for one of several configurations. */
    private void setFactory(String pid, String name, Map<String, Object> values) {
        try {
            set(configurations.getFactoryConfiguration(pid, name, "?"), values);
        } catch (IOException e) {
            throw new UncheckedIOException("configuration " + pid + "~" + name, e);
        }
    }

    private static void set(Configuration configuration, Map<String, Object> values) throws IOException {
        Hashtable<String, Object> properties = new Hashtable<>();
        if (configuration.getProperties() != null) {
            properties.putAll(FrameworkUtil.asMap(configuration.getProperties()));
        }
        properties.putAll(values);
        configuration.updateIfDifferent(properties);
    }

    private ComponentDescriptionDTO component(String pid) {
        return components.getComponentDescriptionDTOs().stream()
                .filter(description ->
                        Arrays.asList(description.configurationPid).contains(pid))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("there is no component with the configuration " + pid));
    }

    private void retireStore(String component) {
        try {
            for (ServiceReference<BackingStore> store :
                    context.getServiceReferences(BackingStore.class, "(component.name=" + component + ")")) {
                BackingStore service = context.getService(store);
                if (service != null) {
                    service.retire();
                    context.ungetService(store);
                }
            }
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(Promise<Void> done) {
        try {
            done.getValue();
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the machine boots", e);
        }
    }
}
