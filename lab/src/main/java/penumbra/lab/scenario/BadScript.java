// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

/** A script line that cannot be run: says what was expected; whoever knows the line number puts it in front. */
public final class BadScript extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one line: what is wrong and what was expected */
    public BadScript(String message) {
        super(message, null, false, false);
    }

    BadScript atLine(String source, int line) {
        return new BadScript(source + ":" + line + ": " + getMessage());
    }
}
