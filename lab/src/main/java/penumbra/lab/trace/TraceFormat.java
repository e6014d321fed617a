// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/**
 * The encoding of what one process did, without loss: every reference and every call, in order.
 *
 * <p>A reference is one byte, followed by whatever the {@link Predictor} did not guess:
 *
 * <table>
 * <caption>First bytes</caption>
 * <tr><td>{@code 0000ssss}</td><td>fetch of s bytes behind the last fetch</td></tr>
 * <tr><td>{@code 0001ssss}</td><td>fetch of s bytes where the last instruction jumped before</td></tr>
 * <tr><td>{@code 0010ssss}</td><td>fetch of s bytes elsewhere; the difference to the address behind the last fetch
 * follows</td></tr>
 * <tr><td>{@code 1kk0ssss}</td><td>access of kind k to 2^s bytes at the guessed address</td></tr>
 * <tr><td>{@code 1kk1ssss}</td><td>the same elsewhere; the difference to the guess follows</td></tr>
 * <tr><td>{@code 1kkd1111}</td><td>the same, its size following before the difference</td></tr>
 * <tr><td>{@link #LONG_FETCH}</td><td>fetch whose size and difference follow</td></tr>
 * <tr><td>{@link #ENTRY}</td><td>a call, as {@link EntryCodec} words it</td></tr>
 * <tr><td>{@link #END}</td><td>the end; the number of references of each kind follows</td></tr>
 * </table>
 *
 * <p>A row of references to one page ends where the kind or the page changes, where a call stands, where one crosses
 * into the next page and where a quantum is over. None of this is in the bytes, because every reference is: whoever
 * reads can cut rows for any quantum.
 */
final class TraceFormat {
    static final int JUMP_GUESSED = 0x10;
    static final int JUMP = 0x20;
    static final int DATA = 0x80;
    static final int ENTRY = 0x80;
    static final int END = 0x81;
    static final int LONG_FETCH = 0x82;

    /** The bits of a fetch that say how its address is known. */
    static final int FETCH_FORM = 0xf0;

    static final int SIZE_BITS = 0x0f;
    static final int KIND_SHIFT = 5;
    static final int KIND_BITS = 3;
    static final int ELSEWHERE = 0x10;
    static final int OTHER_SIZE = 0x0f;

    private TraceFormat() {}
}
