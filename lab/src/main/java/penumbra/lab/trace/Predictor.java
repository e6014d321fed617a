// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/**
 * Guesses the next address of a recording from what the same instruction did last time. Writer and reader of a
 * recording run one each, in step, so that only what was guessed wrong needs bytes: instructions follow each other or
 * jump where they jumped before, and the n-th access of data after an instruction is likely to go where it went.
 */
final class Predictor {
    /** Slots of each table; more would not make the recordings at hand smaller. */
    private static final int SLOTS = 1 << 14;

    private static final int MASK = SLOTS - 1;

    /** Odd, so that neighbouring instructions and their accesses fall into different slots. */
    private static final int JUMP_SPREAD = 31;

    private static final int DATA_SPREAD = 7919;

    private final long[] jumps = new long[SLOTS];
    private final long[] data = new long[SLOTS];
    private long following;
    private int jumpSlot;
    private int dataSlot;

    /** Where the next fetch goes if there is no jump. */
    long following() {
        return following;
    }

    /** Where the last instruction jumped the last time it did. */
    long jump() {
        return jumps[jumpSlot];
    }

    /** Where the next access of data goes if it goes where it went last time. */
    long data() {
        return data[dataSlot];
    }

    /** Learns that the last instruction jumped. */
    void jumped(long address) {
        jumps[jumpSlot] = address;
    }

    /** Goes on to an instruction. */
    void fetched(long address, int size) {
        following = address + size;
        jumpSlot = (int) address * JUMP_SPREAD & MASK;
        dataSlot = (int) address & MASK;
    }

    /** Learns an access of data. */
    void accessed(long address) {
        data[dataSlot] = address;
        dataSlot = dataSlot + DATA_SPREAD & MASK;
    }
}
