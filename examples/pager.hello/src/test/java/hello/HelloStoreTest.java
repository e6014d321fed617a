// SPDX-License-Identifier: BSD-2-Clause
package hello;

import penumbra.pager.BackingStore;
import penumbra.pager.BackingStoreContract;

/** Everything that a backing store must do. */
class HelloStoreTest extends BackingStoreContract {
    @Override
    protected BackingStore create() {
        return new HelloStore((int) SLOTS);
    }
}
