// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/**
 * One access of a recorded program, packed into a {@code long}: the address in the upper 47 bits that are used, then
 * the size less one in 12 bits, then the kind in 2. A packed reference is never negative.
 */
public final class Reference {
    /** An instruction fetch. */
    public static final int FETCH = 0;

    /** A load of data. */
    public static final int LOAD = 1;

    /** A store of data. */
    public static final int STORE = 2;

    /** A load of data followed by a store to the same bytes. */
    public static final int MODIFY = 3;

    /** How many kinds there are. */
    public static final int KINDS = 4;

    /** The largest access, in bytes: a page, so that no access covers more than two. Valgrind's Lackey stops at 512. */
    public static final int MAX_SIZE = 4096;

    /** The first address behind user memory: amd64 gives programs 47 bits. */
    public static final long ADDRESS_LIMIT = 1L << 47;

    private static final int SIZE_SHIFT = 2;
    private static final int ADDRESS_SHIFT = 14;
    private static final int SIZE_MASK = MAX_SIZE - 1;
    private static final int KIND_MASK = KINDS - 1;

    private Reference() {}

    /** A packed reference; {@code size} is 1 to {@link #MAX_SIZE}, the access ends below {@link #ADDRESS_LIMIT}. */
    public static long pack(int kind, long address, int size) {
        return address << ADDRESS_SHIFT | (long) (size - 1) << SIZE_SHIFT | kind;
    }

    /** {@link #FETCH}, {@link #LOAD}, {@link #STORE} or {@link #MODIFY}. */
    public static int kind(long reference) {
        return (int) reference & KIND_MASK;
    }

    /** The address of the first byte. */
    public static long address(long reference) {
        return reference >>> ADDRESS_SHIFT;
    }

    /** How many bytes are accessed, 1 to {@link #MAX_SIZE}. */
    public static int size(long reference) {
        return ((int) reference >>> SIZE_SHIFT & SIZE_MASK) + 1;
    }
}
