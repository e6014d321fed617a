// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Hardware with memory that programs can map (a character device with {@code d_mmap}); the handle of objects of the
 * types DEVICE and MGTDEVICE. For others to implement, too: its frames come from a {@link SegmentUse#DEVICE} segment.
 *
 * <p>Thread-safe. No method blocks; {@link #frame} and {@link #memattr} may be called with an object's lock held.
 */
@ConsumerType
public interface Device {
    /** What {@link #frame} answers when there is nothing to map. */
    int NO_FRAME = -1;

    /** The name that scripts and messages use: {@code "fb"}. */
    String name();

    /** How many pages can be mapped, from page 0 on. */
    long pages();

    /**
     * The frame that holds page {@code pindex}; always the same one while something is mapped ({@code d_mmap}).
     *
     * @param prot the {@link Prot} bits wanted
     * @return {@link #NO_FRAME} when there is no such page, it must not be mapped so, or the device has failed
     */
    int frame(long pindex, int prot);

    /** The {@link MemoryAttribute} that its pages are mapped with. */
    default int memattr() {
        return MemoryAttribute.WRITE_BACK;
    }

    /**
     * The scattered memory that it transfers to and from by itself, for objects of the type SG; null when it has none.
     */
    default @Nullable ScatterList transferMemory() {
        return null;
    }
}
