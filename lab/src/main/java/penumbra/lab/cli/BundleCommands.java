// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import penumbra.inspect.CommandFailure;

/** Takes replaceable bundles away and brings them back, and refuses with a reason what would end the machine. */
@Component(service = BundleCommands.class)
@GogoCommand(
        scope = "vm",
        function = {"stop", "start", "update"})
public final class BundleCommands {
    private final BundleContext context;

    /** Commands for the bundles of this container. */
    @Activate
    public BundleCommands(BundleContext context) {
        this.context = context;
    }

    /** Stops a bundle: a store's pages move elsewhere or wait for its return, and so do other providers' requests. */
    @Descriptor("stop a pager, store, MMU, policy, file system or the inspector; core bundles are refused")
    public String stop(@Descriptor("symbolic name") String name) throws BundleException {
        Bundle bundle = replaceable("stop", name);
        bundle.stop();
        return name + ": stopped";
    }

    /** Starts a bundle; what waited for it goes on. */
    @Descriptor("start a bundle")
    public String start(@Descriptor("symbolic name") String name) throws BundleException {
        named("start", name).start();
        return name + ": started";
    }

    /** Updates a bundle from where it was installed from, while the machine runs. */
    @Descriptor("update a replaceable bundle from where it came from; core bundles are refused")
    public String update(@Descriptor("symbolic name") String name) throws BundleException {
        Bundle bundle = replaceable("update", name);
        bundle.update();
        return name + ": updated";
    }

    private Bundle replaceable(String command, String name) {
        Bundle bundle = named(command, name);
        if (CoreBundles.contains(bundle)) {
            throw new CommandFailure(
                    command + ": " + name + " holds the machine's state and is not replaced while it runs");
        }
        String users = users(bundle);
        if (bundle.equals(context.getBundle()) || !users.isEmpty()) {
            throw new CommandFailure(command + ": " + name + " is used by " + (users.isEmpty() ? "this command" : users)
                    + " and is not replaced while the machine runs");
        }
        return bundle;
    }

    private Bundle named(String command, String name) {
        return Arrays.stream(context.getBundles())
                .filter(bundle -> name.equals(bundle.getSymbolicName()))
                .findFirst()
                .orElseThrow(() ->
                        new CommandFailure(command + ": there is no bundle \"" + name + "\"; lb -s lists all names"));
    }

    /** The bundles that cannot be without this one; empty for none. */
    private static String users(Bundle bundle) {
        @Nullable BundleWiring wiring = bundle.adapt(BundleWiring.class);
        return wiring == null
                ? ""
                : List.copyOf(wiring.getProvidedWires(null)).stream()
                        .map(wire -> wire.getRequirer().getBundle().getSymbolicName())
                        .filter(user -> !user.equals(bundle.getSymbolicName()))
                        .distinct()
                        .sorted()
                        .collect(Collectors.joining(", "));
    }
}
