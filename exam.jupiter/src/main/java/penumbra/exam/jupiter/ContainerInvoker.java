// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import org.junit.jupiter.engine.JupiterTestEngine;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.ops4j.pax.exam.ProbeInvoker;
import org.osgi.framework.Bundle;

/**
 * Runs tests of one probe bundle inside the container.
 *
 * <p>Public, because a container in another process calls it by reflection.
 */
public final class ContainerInvoker implements ProbeInvoker {
    private final Bundle probe;
    private final String testClass;

    /**
     * @param probe the bundle that holds the test classes
     * @param test the probe's test as Pax Exam writes it: class name, semicolon, method name
     */
    ContainerInvoker(Bundle probe, String test) {
        this.probe = probe;
        this.testClass = test.substring(0, test.indexOf(';'));
    }

    /** Runs the test whose unique id is the one argument, and throws its {@link Outcome} unless it passed. */
    @Override
    public void call(Object... arguments) {
        Outcome outcome = new Outcome();
        // Extensions and engines of other bundles cannot be found by service loading; the one engine is named.
        LauncherConfig config = LauncherConfig.builder()
                .enableTestEngineAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false)
                .enableLauncherDiscoveryListenerAutoRegistration(false)
                .enablePostDiscoveryFilterAutoRegistration(false)
                .enableTestExecutionListenerAutoRegistration(false)
                .addTestEngines(new JupiterTestEngine())
                .build();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectUniqueId((String) arguments[0]))
                .build();
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        // Jupiter turns the class names of a unique id into classes by the context class loader.
        thread.setContextClassLoader(probeLoader());
        try {
            LauncherFactory.create(config).execute(request, outcome);
        } finally {
            thread.setContextClassLoader(before);
        }
        outcome.send();
    }

    private ClassLoader probeLoader() {
        try {
            return probe.loadClass(testClass).getClassLoader();
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(probe + " does not hold its test class " + testClass, e);
        }
    }
}
