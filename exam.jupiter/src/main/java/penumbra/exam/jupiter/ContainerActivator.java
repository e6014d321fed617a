// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import java.util.Hashtable;
import org.ops4j.pax.exam.ProbeInvokerFactory;
import org.osgi.annotation.bundle.Header;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;

/** Offers this driver to Pax Exam's extender inside the container. */
@Header(name = Constants.BUNDLE_ACTIVATOR, value = "${@class}")
public final class ContainerActivator implements BundleActivator {
    /** The name by which the extender looks this driver up. */
    static final String DRIVER = "jupiter";

    @Override
    public void start(BundleContext context) {
        Hashtable<String, Object> properties = new Hashtable<>();
        properties.put("driver", DRIVER);
        context.registerService(
                ProbeInvokerFactory.class,
                (probe, test) -> new ContainerInvoker(((BundleContext) probe).getBundle(), test),
                properties);
    }

    @Override
    public void stop(BundleContext context) {
        // The framework withdraws the service.
    }
}
