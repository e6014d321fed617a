// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import penumbra.hw.PageSize;
import penumbra.object.ObjectType;

class PhysPagerContractTest extends DeviceContract {
    PhysPagerContractTest() {
        super(ObjectType.PHYS);
    }

    @Override
    protected Object handle() {
        return "shared memory";
    }

    @Override
    protected Object foreignHandle() {
        return null;
    }

    @Override
    protected byte[] contents(long pindex) {
        return new byte[PageSize.BYTES];
    }
}
