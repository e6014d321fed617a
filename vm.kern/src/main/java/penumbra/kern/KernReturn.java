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
    NO_ACCESS,
    /**
     * An access behind the end of what is mapped: a {@link #PROTECTION_FAILURE} in FreeBSD 10.0, and so by its number.
     */
    OUT_OF_BOUNDS;

    /** The number that FreeBSD 10.0 gives this code (0 to 8). */
    public int code() {
        return this == OUT_OF_BOUNDS ? PROTECTION_FAILURE.code() : ordinal();
    }

    /** Whether the call did what was asked. */
    public boolean ok() {
        return this == SUCCESS;
    }
}
