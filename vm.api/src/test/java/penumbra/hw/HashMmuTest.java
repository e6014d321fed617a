// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/** The kit is passed by an MMU that has nothing in common with a tree of tables. */
class HashMmuTest extends MmuContract {
    @Override
    protected Mmu create() {
        return new HashMmu();
    }
}
