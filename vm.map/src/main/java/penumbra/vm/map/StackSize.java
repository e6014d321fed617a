// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

/**
 * The size of a process's stack: of what a space grew at or above the place of its first stack ({@code vm_maxsaddr},
 * {@code vm_ssize}). Guarded by the space's lock.
 */
final class StackSize {
    private long floor = Long.MAX_VALUE;
    private long bytes;

    /** Whether there has been a stack. */
    boolean known() {
        return floor != Long.MAX_VALUE;
    }

    /** The first stack: it may reach down to {@code floor}, and is {@code bytes} large. */
    void begin(long floor, long bytes) {
        this.floor = floor;
        this.bytes = bytes;
    }

    /** Takes over what a parent's says. */
    void inherit(StackSize parent) {
        floor = parent.floor;
        bytes = parent.bytes;
    }

    /** Whether growth that reaches {@code address} is the process's stack's. */
    boolean covers(long address) {
        return address >= floor;
    }

    long bytes() {
        return bytes;
    }

    void add(long grown) {
        bytes += grown;
    }
}
