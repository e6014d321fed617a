// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/** How caches treat a page ({@code VM_MEMATTR_*}); simulated CPUs have no caches, so that it is kept and shown only. */
public final class MemoryAttribute {
    /** Cached; the default of all memory. */
    public static final int WRITE_BACK = 0;
    /** Each access goes to the device. */
    public static final int UNCACHEABLE = 1;
    /** Stores are gathered on their way to the device: what a frame buffer wants. */
    public static final int WRITE_COMBINING = 2;
    /** Loads are cached, stores go to the device. */
    public static final int WRITE_THROUGH = 3;

    private MemoryAttribute() {}
}
