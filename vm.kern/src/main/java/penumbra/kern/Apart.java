// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/**
 * What CPUs write or read at every fault: kept off the cache lines of what lies before it in memory, which may be
 * written by another CPU just as often.
 *
 * <p>A superclass's fields come first in an object, so that {@link Stripes#DISTANCE} bytes of nothing separate those of
 * a subclass from the object before. There is no such room behind it: whatever is as busy brings its own.
 */
@SuppressWarnings("unused") // That is their use.
public abstract class Apart {
    private long word1;
    private long word2;
    private long word3;
    private long word4;
    private long word5;
    private long word6;
    private long word7;
    private long word8;
    private long word9;
    private long word10;
    private long word11;
    private long word12;
    private long word13;
    private long word14;
    private long word15;
    private long word16;

    /** Nothing but room. */
    protected Apart() {}
}
