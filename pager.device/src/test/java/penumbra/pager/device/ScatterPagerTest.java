// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import penumbra.object.ObjectType;

class ScatterPagerTest extends DeviceContract {
    ScatterPagerTest() {
        super(ObjectType.SG);
    }

    @Override
    protected Object handle() {
        return device().transferMemory();
    }
}
