// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import penumbra.object.ObjectType;

class DevicePagerTest extends DeviceContract {
    DevicePagerTest() {
        super(ObjectType.DEVICE);
    }
}
