// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.composite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.options.UrlProvisionOption;
import org.osgi.framework.Constants;

/** Options that provision bundles from folders of the host, without a repository. */
public final class Bundles {
    private Bundles() {}

    /**
     * Every jar of {@code folder}, in the order of their names: fragments installed, all others started.
     *
     * @throws IllegalArgumentException if the folder holds a jar that is no bundle
     */
    public static Option bundlesIn(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return composite(files.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .map(Bundles::provision)
                    .toArray(Option[]::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Option provision(Path file) {
        UrlProvisionOption option = bundle(file.toUri().toString());
        try (JarFile jar = new JarFile(file.toFile())) {
            var headers = jar.getManifest().getMainAttributes();
            if (headers.getValue(Constants.BUNDLE_SYMBOLICNAME) == null) {
                throw new IllegalArgumentException(file + " has no " + Constants.BUNDLE_SYMBOLICNAME);
            }
            return headers.getValue(Constants.FRAGMENT_HOST) == null ? option : option.noStart();
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }
}
