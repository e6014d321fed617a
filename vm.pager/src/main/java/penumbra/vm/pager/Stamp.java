// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

/**
 * What a slot must hold, as a {@code long}: the version of the contents in the upper half, their CRC-32C in the lower
 * one.
 *
 * <p>Versions are drawn from one counter for all objects, so an entry that was replaced is told from the one read
 * before even if the slot is the same.
 */
final class Stamp {
    /** Nothing was ever written there: the slot is only reserved. */
    static final long RESERVED = 0;

    private Stamp() {}

    static long of(int version, int checksum) {
        return (long) version << 32 | Integer.toUnsignedLong(checksum);
    }

    static int version(long stamp) {
        return (int) (stamp >>> 32);
    }

    static int checksum(long stamp) {
        return (int) stamp;
    }
}
