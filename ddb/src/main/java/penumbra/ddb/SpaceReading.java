// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Pmap;
import penumbra.inspect.CommandFailure;
import penumbra.kern.KernelPanic;
import penumbra.map.AddressSpace;
import penumbra.map.MapEntry;

/**
 * An address space as it was at one moment.
 *
 * @param resident pages mapped by the pmap; a question mark when the MMU has failed
 * @param wired how many of them are wired; likewise
 */
record SpaceReading(List<MapEntry> entries, String resident, String wired) {
    /** Reads {@code space}; null when its locks cannot be had. */
    static @Nullable SpaceReading of(AddressSpace space) {
        try {
            return Patience.SHORT.ask(() -> {
                Pmap pmap = space.pmap();
                return new SpaceReading(space.entries(), figure(pmap::residentCount), figure(pmap::wiredCount));
            });
        } catch (ExecutionException e) {
            throw new CommandFailure("an address space cannot be read: " + e.getCause(), e);
        }
    }

    private static String figure(LongSupplier pmap) {
        try {
            return Long.toString(pmap.getAsLong());
        } catch (RuntimeException | KernelPanic e) {
            return "?";
        }
    }
}
