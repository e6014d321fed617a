// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

/** Which parts of a machine are away, and whether one was: only then may an access be refused. Thread-safe. */
final class Outages {
    private int away;
    private long changes;

    /** A part goes. */
    synchronized void begin() {
        away++;
        changes++;
    }

    /** It is back. */
    synchronized void end() {
        away--;
        changes++;
    }

    /** A moment to ask {@link #since} about. */
    synchronized long now() {
        return changes;
    }

    /** Whether any part was away at some time since {@code moment}. */
    synchronized boolean since(long moment) {
        return away > 0 || changes != moment;
    }

    /** Whether a part is away. */
    synchronized boolean any() {
        return away > 0;
    }
}
