// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

/** A state that is not as a script's {@code expect} says: one line with what was expected and what was found. */
public final class UnmetExpectation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnmetExpectation(String message) {
        super(message, null, false, false);
    }

    UnmetExpectation atLine(String source, int line) {
        return new UnmetExpectation(source + ":" + line + ": " + getMessage());
    }
}
