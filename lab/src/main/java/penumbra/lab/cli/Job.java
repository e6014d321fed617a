// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * The one job of this process: the command that its arguments name, or the prompt.
 *
 * <p>It begins when the launcher says, by a property of its service, that everything is started; in a container without
 * such a launcher there is no job. When the job has ended, the process exits with its status; a shutdown hook, which
 * also serves a signal from outside, first stops the framework, so that every component is deactivated in order.
 */
@Component(service = {})
public final class Job {
    /** The property of the launcher's service that holds the arguments, a {@code String[]}. */
    static final String ARGUMENTS = "launcher.arguments";

    /** The property of the launcher's service that turns {@code true} once every bundle has been started. */
    static final String READY = "launcher.ready";

    @Activate
    public Job(
            BundleContext context,
            @Reference FrontDoor door,
            @Reference Prompt prompt,
            @Reference(
                            service = Object.class,
                            target = "(&(" + ARGUMENTS + "=*)(" + READY + "=true))",
                            cardinality = ReferenceCardinality.OPTIONAL,
                            policyOption = ReferencePolicyOption.GREEDY)
                    @Nullable
                    Map<String, Object> launcher) {
        if (launcher == null) {
            return;
        }
        Framework framework = context.getBundle(0).adapt(Framework.class);
        Path storage = Path.of(context.getProperty(Constants.FRAMEWORK_STORAGE));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(framework, storage), "vm stop"));
        String[] arguments = (String[]) Objects.requireNonNull(launcher.get(ARGUMENTS));
        new Thread(() -> System.exit(arguments.length == 0 ? prompt.run() : door.run(arguments)), "vm").start();
    }

    private static void stop(Framework framework, Path storage) {
        try {
            framework.stop();
            framework.waitForStop(0);
        } catch (BundleException | InterruptedException e) {
            System.err.println("vm: the framework could not be stopped: " + e.getMessage());
        }
        // A launcher that keeps its bundles in a temporary folder deletes it while the framework stops, which may still
        // write there.
        if (storage.startsWith(System.getProperty("java.io.tmpdir"))) {
            delete(storage);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        } catch (IOException | UncheckedIOException e) {
            // The launcher was there first.
        }
    }
}
