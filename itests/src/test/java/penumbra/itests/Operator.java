// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationListener;

/** Whoever sits before the container: what can be done to its bundles and configurations, and with its commands. */
final class Operator {
    /** A configuration that nobody has. */
    private static final String MARKER = "penumbra.itests";

    private final BundleContext context;
    private final CommandProcessor commands;
    private long changes;

    Operator(BundleContext context, CommandProcessor commands) {
        this.context = context;
        this.commands = commands;
    }

    // Bundles

    /** The bundle of that symbolic name. */
    Bundle bundle(String name) {
        return Arrays.stream(context.getBundles())
                .filter(bundle -> name.equals(bundle.getSymbolicName()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no bundle " + name));
    }

    boolean isActive(String name) {
        return bundle(name).getState() == Bundle.ACTIVE;
    }

    void stop(String name) throws BundleException {
        bundle(name).stop();
    }

    void start(String name) throws BundleException {
        bundle(name).start();
    }

    /** Updates a bundle from where it came from; one that runs is started again. */
    void update(String name) throws BundleException, IOException {
        Bundle bundle = bundle(name);
        try (InputStream jar = URI.create(bundle.getLocation()).toURL().openStream()) {
            bundle.update(jar);
        }
    }

    /** Uninstalls a bundle and installs it again; one that ran is started. */
    void reinstall(String name) throws BundleException {
        Bundle bundle = bundle(name);
        boolean active = bundle.getState() == Bundle.ACTIVE;
        bundle.uninstall();
        Bundle again = context.installBundle(bundle.getLocation());
        if (active) {
            again.start();
        }
    }

    /** Refreshes some bundles, or all that need it; blocks until that is done. */
    void refresh(@Nullable Collection<Bundle> bundles) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        context.getBundle(0).adapt(FrameworkWiring.class).refreshBundles(bundles, event -> {
            if (event.getType() == FrameworkEvent.PACKAGES_REFRESHED) {
                done.countDown();
            }
        });
        done.await();
    }

    Bundle install(Path jar) throws BundleException {
        return context.installBundle(jar.toUri().toString());
    }

    // Configurations

    /** Sets properties of a configuration; those that it has besides stay. */
    void configure(String pid, Map<String, ?> values) throws IOException {
        update(configurations().getConfiguration(pid, "?"), values);
    }

    /** The same for one of several configurations. */
    void configure(String factory, String name, Map<String, ?> values) throws IOException {
        update(configurations().getFactoryConfiguration(factory, name, "?"), values);
    }

    private static void update(Configuration configuration, Map<String, ?> values) throws IOException {
        Hashtable<String, Object> properties = new Hashtable<>();
        if (configuration.getProperties() != null) {
            properties.putAll(FrameworkUtil.asMap(configuration.getProperties()));
        }
        properties.putAll(values);
        configuration.update(properties);
    }

    /** Returns when everybody has heard of all changes: they are told one after the other, and one more is the last. */
    void awaitConfigured() throws Exception {
        CountDownLatch heard = new CountDownLatch(1);
        ServiceRegistration<?> listening = context.registerService(
                ConfigurationListener.class,
                event -> {
                    if (event.getPid().equals(MARKER)) {
                        heard.countDown();
                    }
                },
                null);
        configure(MARKER, Map.of("change", ++changes));
        heard.await();
        listening.unregister();
    }

    /** Deletes a configuration; returns what it was. */
    Map<String, Object> deleteConfiguration(String pid) throws IOException {
        try {
            Configuration[] found = configurations().listConfigurations("(service.pid=" + pid + ")");
            assertThat(found).as(pid).hasSize(1);
            Map<String, Object> before = new TreeMap<>(FrameworkUtil.asMap(found[0].getProperties()));
            found[0].delete();
            return before;
        } catch (InvalidSyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private ConfigurationAdmin configurations() {
        return service(ConfigurationAdmin.class);
    }

    // Services and commands

    <T> T service(Class<T> type) {
        @Nullable ServiceReference<T> reference = context.getServiceReference(type);
        assertThat(reference).as(type.getName()).isNotNull();
        return context.getService(reference);
    }

    <T> List<T> services(Class<T> type) {
        try {
            return context.getServiceReferences(type, null).stream()
                    .map(context::getService)
                    .filter(Objects::nonNull)
                    .toList();
        } catch (InvalidSyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Runs a command and returns what it printed and its result; one that fails, fails. */
    String command(String line) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
        try (CommandSession session = commands.createSession(InputStream.nullInputStream(), out, out)) {
            @Nullable Object result = session.execute(line);
            return printed.toString(StandardCharsets.UTF_8) + (result == null ? "" : result);
        } catch (Exception e) {
            throw new AssertionError(line + ": " + printed.toString(StandardCharsets.UTF_8), e);
        }
    }

    /** Returns when something has come about that others do in their own time; the test's watchdog is the limit. */
    @SuppressWarnings("ThreadPriorityCheck") // Nobody tells.
    static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.yield();
        }
    }
}
