// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import penumbra.object.ObjectType;

class ManagedDevicePagerTest extends DeviceContract {
    ManagedDevicePagerTest() {
        super(ObjectType.MGTDEVICE);
    }
}
