// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fault;

/** What can go wrong with one transfer between us and the host. */
public enum Fault {
    /** The transfer fails, nothing was moved. */
    EIO(true, true, false),
    /** A write fails for want of room, nothing was written. */
    ENOSPC(false, true, false),
    /** A read moves a part and says so. */
    SHORT_READ(true, false, false),
    /** A write moves a part and says so. */
    SHORT_WRITE(false, true, false),
    /** A write moves a part and says that it moved all. */
    TORN_WRITE(false, true, false),
    /** A read moves what is somewhere else. */
    MISDIRECTED_READ(true, false, false),
    /** A write goes somewhere else. */
    MISDIRECTED_WRITE(false, true, false),
    /** A read moves what was there before the last write. */
    STALE_READ(true, false, false),
    /** The transfer waits until a test lets it go on. */
    SLOW(true, true, false),
    /** What was written cannot be made durable. */
    FAILING_FSYNC(false, false, true),
    /** The thread is interrupted in the middle of the transfer, which closes the channel for everybody. */
    INTERRUPT(true, true, true);

    private final boolean reads;
    private final boolean writes;
    private final boolean forces;

    Fault(boolean reads, boolean writes, boolean forces) {
        this.reads = reads;
        this.writes = writes;
        this.forces = forces;
    }

    /** Whether it happens to reads. */
    public boolean ofReads() {
        return reads;
    }

    /** Whether it happens to writes. */
    public boolean ofWrites() {
        return writes;
    }

    /** Whether it happens to {@code fsync}. */
    public boolean ofForces() {
        return forces;
    }

    /** Whether the one who asked for the transfer is told wrong or nothing: only checksums find it. */
    public boolean silent() {
        return this == TORN_WRITE || this == MISDIRECTED_READ || this == MISDIRECTED_WRITE || this == STALE_READ;
    }

    /** Whether whoever copes with it needs nobody's help: no transfer may fail by it. */
    public boolean harmless() {
        return this == SHORT_READ || this == SHORT_WRITE || this == SLOW || this == INTERRUPT;
    }
}
