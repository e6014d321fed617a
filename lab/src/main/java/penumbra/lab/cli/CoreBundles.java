// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.Arrays;
import java.util.List;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/** The bundles that hold a machine's state: without one of them there is no machine. */
public final class CoreBundles {
    private static final String LAYERS = "penumbra.vm.";
    private static final List<String> HARDWARE = List.of("penumbra.hw.memory", "penumbra.hw.sim");

    private CoreBundles() {}

    /** Whether {@code bundle} is one of them. */
    public static boolean contains(Bundle bundle) {
        String name = bundle.getSymbolicName();
        return name != null && (name.startsWith(LAYERS) || HARDWARE.contains(name));
    }

    /** The names of those that are installed and not active. */
    public static List<String> inactive(BundleContext context) {
        return Arrays.stream(context.getBundles())
                .filter(bundle -> contains(bundle) && bundle.getState() != Bundle.ACTIVE)
                .map(Bundle::getSymbolicName)
                .toList();
    }
}
