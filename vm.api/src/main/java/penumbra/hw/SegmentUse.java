// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/** What a segment of physical memory is set aside for. */
public enum SegmentUse {
    /** Page frames that the page allocator hands out. */
    GENERAL,
    /** Translation tables of the MMU, so that page counts do not depend on it. */
    TABLES,
    /** Compressed memory of a backing store; survives the store. */
    COMPRESSED,
    /** Memory on devices: never handed out and counted nowhere, but mapped, managed or not, like any other. */
    DEVICE
}
