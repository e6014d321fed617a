// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/**
 * A sleep that nobody could end: thrown instead of sleeping when one thread runs the whole machine in steps.
 *
 * <p>The machine is not usable afterwards: locks stay as they were.
 */
public final class WouldBlock extends Error {
    private static final long serialVersionUID = 1L;

    private final String waitMessage;

    /** @param waitMessage the wait message of the sleep, FreeBSD's {@code wmesg} */
    public WouldBlock(String waitMessage) {
        super("would sleep for ever on \"" + waitMessage + "\"");
        this.waitMessage = waitMessage;
    }

    /** The wait message of the sleep that was refused. */
    public String waitMessage() {
        return waitMessage;
    }
}
