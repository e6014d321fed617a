// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

/** A check of the run that did not hold: the run ends, and its message says why and where. */
public final class RunFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RunFailed(String message) {
        super(message, null, false, false);
    }
}
