// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/**
 * Which truth the machine follows where FreeBSD 10.0 has a known defect.
 *
 * <p>Every mended defect is one small branch that asks {@link #corrected()}.
 */
public enum Fidelity {
    /** The original's behaviour, defects included; serves step by step comparison only. */
    ORIGINAL,
    /** The known defects are mended; the default. */
    CORRECTED;

    /** Whether known defects are mended. */
    public boolean corrected() {
        return this == CORRECTED;
    }
}
