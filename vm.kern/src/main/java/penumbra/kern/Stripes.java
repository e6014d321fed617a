// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/**
 * How counts and lists that all threads change are taken apart: each thread has a stripe, and threads that run at the
 * same time seldom have the same one.
 */
public final class Stripes {
    /** How many there are: more than the machines this runs on have processors, and few enough to be summed up. */
    public static final int COUNT = 32;
    /** How far apart stripes lie in memory, in bytes: two cache lines, since processors fetch them in pairs. */
    public static final int DISTANCE = 128;

    private Stripes() {}

    /**
     * The stripe of the calling thread, from 1 to {@link #COUNT}; always the same. What would be stripe 0 of an array
     * stays empty, because the array's length lies before it, which all threads read.
     */
    public static int ofCaller() {
        return 1 + ((int) Thread.currentThread().getId() & COUNT - 1);
    }
}
