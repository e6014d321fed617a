// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

/** An MMU threw an exception and is parked; its mappings and their bits are lost. */
final class MmuFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MmuFailed(String mmu, Throwable thrown) {
        super("mmu " + mmu + " failed: " + thrown, thrown);
    }
}
