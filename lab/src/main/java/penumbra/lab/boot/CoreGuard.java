// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.util.Collection;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleListener;
import org.osgi.framework.Constants;
import org.osgi.framework.hooks.bundle.EventHook;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import penumbra.lab.cli.CoreBundles;
import penumbra.lab.cli.FrontDoor;

/**
 * What happens when somebody stops a core bundle past our commands: what runs on the machine ends, and the machine is
 * halted from the top. When the bundle is started again, so is an empty machine.
 *
 * <p>A hook hears of a stop before every listener, and so before the components of the bundle are taken away in an
 * order of chance; of a start it would hear before there are any.
 */
@Component(service = EventHook.class, immediate = true)
public final class CoreGuard implements EventHook, BundleListener {
    private final BundleContext context;
    private final FrontDoor door;
    private final PowerSwitch power;

    /** Guards the machine of {@code power}. */
    @Activate
    public CoreGuard(BundleContext context, @Reference FrontDoor door, @Reference PowerSwitch power) {
        this.context = context;
        this.door = door;
        this.power = power;
        context.addBundleListener(this);
    }

    @Deactivate
    public void deactivate() {
        context.removeBundleListener(this);
    }

    @Override
    public void event(BundleEvent event, Collection<BundleContext> receivers) {
        Bundle bundle = event.getBundle();
        if (event.getType() == BundleEvent.STOPPING && CoreBundles.contains(bundle) && !frameworkStops()) {
            door.endRuns("the machine was halted: core bundle " + bundle.getSymbolicName() + " is stopped");
            power.halt();
        }
    }

    @Override
    public void bundleChanged(BundleEvent event) {
        if (event.getType() == BundleEvent.STARTED && CoreBundles.contains(event.getBundle()) && !frameworkStops()) {
            power.resume();
        }
    }

    private boolean frameworkStops() {
        return context.getBundle(Constants.SYSTEM_BUNDLE_ID).getState() == Bundle.STOPPING;
    }
}
