// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/** The return codes of the map and fault layers, in the numbering of FreeBSD's {@code vm_param.h}. */
public enum KernReturn {
    SUCCESS,
    INVALID_ADDRESS,
    PROTECTION_FAILURE,
    NO_SPACE,
    INVALID_ARGUMENT,
    FAILURE,
    RESOURCE_SHORTAGE,
    NOT_RECEIVER,
    NO_ACCESS;

    /** The number that FreeBSD gives this code (0 to 8). */
    public int code() {
        return ordinal();
    }

    /** Whether the call did what was asked. */
    public boolean ok() {
        return this == SUCCESS;
    }
}
