// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import org.jspecify.annotations.Nullable;
import penumbra.hw.Device;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.object.ObjectType;
import penumbra.pager.Pager;
import penumbra.pager.PagerContract;

/** The contract of pagers, with the DMA engine's memory, which has as many pages as the contract asks for. */
abstract class DeviceContract extends PagerContract {
    private final ObjectType type;
    private DeviceMachine m;

    DeviceContract(ObjectType type) {
        this.type = type;
    }

    @Override
    protected Pager create() {
        m = DeviceMachine.threadedWithout(type);
        Pager pager = m.allPagers()
                .filter(candidate -> candidate.type() == type)
                .findFirst()
                .orElseThrow();
        m.pagers.add(pager, 0);
        for (long pindex = 0; pindex < PAGES; pindex++) {
            m.memory.write(m.engine.frame(pindex, Prot.RW), 0, contents(pindex), 0, PageSize.BYTES);
        }
        return pager;
    }

    @Override
    protected Ground ground() {
        return new Ground(m.pages, m.memory, m.objects);
    }

    Device device() {
        return m.engine;
    }

    @Override
    protected @Nullable Object handle() {
        return device();
    }

    @Override
    protected byte[] contents(long pindex) {
        byte[] bytes = new byte[PageSize.BYTES];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (pindex * 7 + i / 16 + 1);
        }
        return bytes;
    }

    @Override
    protected void dispose() {
        m.close();
    }
}
