// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.nio.file.Path;

/**
 * What a swap file is opened with.
 *
 * @param name the name that commands use
 * @param path where the file is
 * @param pages its size, the two pages of the header included; at least 3
 * @param preallocate whether to claim the space on disk now, so that a full disk shows now and not at a page-out
 * @param direct whether to pass the host's cache by, where the host allows it
 * @param temporary whether the file goes when the store is retired, or else with the JVM
 */
public record SwapFileSettings(
        String name, Path path, long pages, boolean preallocate, boolean direct, boolean temporary) {
    /** The same with another size. */
    SwapFileSettings withPages(long count) {
        return new SwapFileSettings(name, path, count, preallocate, direct, temporary);
    }
}
