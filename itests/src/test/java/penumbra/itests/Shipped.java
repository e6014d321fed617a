// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.ops4j.pax.exam.CoreOptions.composite;

import java.nio.file.Path;
import java.util.Objects;
import org.ops4j.pax.exam.Option;
import penumbra.exam.jupiter.Bundles;

/** Where the build has put what is shipped. */
final class Shipped {
    /** The folder for stock Felix. */
    static final Path FELIX = path("itests.felix");

    /** The runnable jar. */
    static final Path JAR = path("itests.jar");

    /** The launcher script of the source tree. */
    static final Path LAUNCHER = path("itests.launcher");

    /** A recording that takes a second to replay. */
    static final Path SAMPLE = path("itests.samples").resolve("ls.pnb");

    /** A recording that takes many seconds. */
    static final Path LONG_SAMPLE = path("itests.samples").resolve("perl.pnb");

    /** The bundle of the example {@code pager.hello}. */
    static final Path HELLO = path("itests.examples").resolve("pager.hello/target/pager.hello-1.0.0.jar");

    private Shipped() {}

    /** Every bundle of the Felix folder, and what a test needs inside the container. */
    static Option bundles() {
        return composite(Bundles.bundlesIn(FELIX.resolve("bundle")), Bundles.bundlesIn(path("itests.bundles")));
    }

    private static Path path(String property) {
        return Path.of(Objects.requireNonNull(System.getProperty(property), property));
    }
}
