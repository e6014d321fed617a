// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Constants;

/**
 * Every jar that is shipped to run in the container is a bundle. Felix would install any other one without a word and
 * find none of its classes.
 */
class SymbolicNameIT {
    @Test
    void everyJarOfTheFelixFolderIsABundle() throws IOException {
        try (Stream<Path> jars = Files.list(Shipped.FELIX.resolve("bundle"))) {
            assertThat(jars).hasSizeGreaterThan(20).allSatisfy(jar -> {
                try (JarFile file = new JarFile(jar.toFile())) {
                    assertIsBundle(jar.toString(), file.getManifest());
                }
            });
        }
    }

    @Test
    void everyJarInTheRunnableJarIsABundle() throws IOException {
        List<String> seen = new ArrayList<>();
        try (JarFile runnable = new JarFile(Shipped.JAR.toFile())) {
            for (ZipEntry entry : (Iterable<ZipEntry>) runnable.stream().map(ZipEntry.class::cast)::iterator) {
                if (entry.getName().endsWith(".jar")) {
                    try (InputStream stream = runnable.getInputStream(entry);
                            JarInputStream jar = new JarInputStream(stream)) {
                        assertIsBundle(entry.getName(), jar.getManifest());
                    }
                    seen.add(entry.getName());
                }
            }
        }
        assertThat(seen).hasSizeGreaterThan(20);
    }

    private static void assertIsBundle(String jar, Manifest manifest) {
        assertThat(manifest).as(jar).isNotNull();
        assertThat(manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME))
                .as(jar)
                .isNotBlank();
    }
}
