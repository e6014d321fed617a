// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import penumbra.kern.KernReturn;

/** An access that the kernel refused: what a process would see as SIGSEGV or SIGBUS. */
public final class MemoryFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long address;
    private final int access;
    private final KernReturn reason;

    /** A refused access of {@link Prot} kind {@code access} to {@code address}. */
    public MemoryFault(long address, int access, KernReturn reason) {
        super(String.format("memory fault at %#x (access %d): %s", address, access, reason), null, false, false);
        this.address = address;
        this.access = access;
        this.reason = reason;
    }

    /** The first byte that could not be accessed. */
    public long address() {
        return address;
    }

    /** The {@link Prot} kind of access. */
    public int access() {
        return access;
    }

    /** What the fault handler answered. */
    public KernReturn reason() {
        return reason;
    }
}
