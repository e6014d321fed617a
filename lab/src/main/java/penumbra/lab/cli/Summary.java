// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import penumbra.lab.trace.Recording;

/** What is said of a recording that has been written. */
final class Summary {
    private Summary() {}

    static void print(Recording recording, long bytes, Path file, PrintWriter out) {
        recording.notes().forEach(out::println);
        out.printf(
                "%s: %,d references of %d processes in %,d bytes%n",
                file, recording.references().total(), recording.processes().size(), bytes);
        out.flush();
    }
}
