// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

class MemoryStoreTest extends BackingStoreContract {
    @Override
    protected BackingStore create() {
        return new MemoryStore((int) SLOTS);
    }
}
