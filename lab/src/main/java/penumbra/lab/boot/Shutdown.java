// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.Constants;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import penumbra.lab.cli.FrontDoor;

/**
 * What happens before the framework stops its bundles, which it does in the order of their ids: commands that run are
 * cancelled, and the machine is halted from the top.
 */
@Component(service = {})
public final class Shutdown implements SynchronousBundleListener {
    private final BundleContext context;
    private final FrontDoor door;
    private final PowerSwitch power;

    @Activate
    public Shutdown(BundleContext context, @Reference FrontDoor door, @Reference PowerSwitch power) {
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
    public void bundleChanged(BundleEvent event) {
        if (event.getType() == BundleEvent.STOPPING && event.getBundle().getBundleId() == Constants.SYSTEM_BUNDLE_ID) {
            door.close();
            power.halt();
        }
    }
}
