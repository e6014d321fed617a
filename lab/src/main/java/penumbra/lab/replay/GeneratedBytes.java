// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The made-up contents of a file that is not there: a hash of the file's name, the seed and the place, for every 8
 * bytes.
 */
final class GeneratedBytes {
    private final long key;

    GeneratedBytes(String name, long seed) {
        this.key = mix(seed + name.hashCode() * 0x9E37_79B9_7F4A_7C15L);
    }

    /** Copies {@code length} bytes from {@code offset}, any alignment. */
    void read(long offset, byte[] into, int at, int length) {
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int done = 0; done < length; ) {
            long place = offset + done;
            word.putLong(0, mix(key + (place & -Long.BYTES)));
            int skip = (int) place & Long.BYTES - 1;
            int piece = Math.min(Long.BYTES - skip, length - done);
            word.get(skip, into, at + done, piece);
            done += piece;
        }
    }

    /** The finalizer of MurmurHash3, with the constants that Stafford found best (Mix13). */
    private static long mix(long z) {
        long x = (z ^ z >>> 30) * 0xBF58_476D_1CE4_E5B9L;
        x = (x ^ x >>> 27) * 0x94D0_49BB_1331_11EBL;
        return x ^ x >>> 31;
    }
}
