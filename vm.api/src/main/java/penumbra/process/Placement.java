// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

/**
 * What {@code mmap} answers.
 *
 * @param error why nothing was mapped
 * @param address where it was mapped; 0 when it was not
 */
public record Placement(Errno error, long address) {
    /** Nothing was mapped. */
    public static Placement failed(Errno error) {
        return new Placement(error, 0);
    }
}
