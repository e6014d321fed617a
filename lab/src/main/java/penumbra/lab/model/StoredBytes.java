// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

/**
 * The values that stores write: a byte is a hash of the process, the number of the store and its address, so that a
 * byte of another process, of an earlier store or of another place is told apart wherever it turns up.
 */
public final class StoredBytes {
    /** Masks for the low bytes of a word, by their number. */
    private static final long[] LOW = new long[Long.BYTES + 1];

    static {
        for (int bytes = 1; bytes < Long.BYTES; bytes++) {
            LOW[bytes] = (1L << bytes * Byte.SIZE) - 1;
        }
        LOW[Long.BYTES] = -1;
    }

    /** Odd multipliers, the fractions of the golden ratio and of the square roots of 3 and 5. */
    private static final long BY_ADDRESS = 0x9e3779b97f4a7c15L;

    private static final long BY_STORE = 0xbb67ae8584caa73bL;
    private static final long BY_PROCESS = 0x3c6ef372fe94f82bL;

    /** The multipliers of MurmurHash3's finalizer. */
    private static final long MIX_1 = 0xff51afd7ed558ccdL;

    private static final long MIX_2 = 0xc4ceb9fe1a85ec53L;

    private StoredBytes() {}

    /** A mask for the low {@code bytes} bytes of a word, 0 to 8. */
    static long mask(int bytes) {
        return LOW[bytes];
    }

    /**
     * What a store writes.
     *
     * @param bytes how many bytes, 1 to 8
     * @return the bytes, the one at the lowest address in the low bits; the rest is zero
     */
    public static long value(int process, long store, long address, int bytes) {
        long word = address >>> 3;
        int skipped = (int) address & 7;
        long value = word(process, store, word) >>> skipped * Byte.SIZE;
        if (skipped + bytes > Long.BYTES) {
            value |= word(process, store, word + 1) << (Long.BYTES - skipped) * Byte.SIZE;
        }
        return value & LOW[bytes];
    }

    private static long word(int process, long store, long word) {
        long x = word * BY_ADDRESS + store * BY_STORE + process * BY_PROCESS;
        x ^= x >>> 33;
        x *= MIX_1;
        x ^= x >>> 33;
        x *= MIX_2;
        return x ^ x >>> 33;
    }
}
