// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.Device;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFactory;
import penumbra.object.VmObject;
import penumbra.page.Pages;

/** A pager whose handles are {@link Device}s ({@code cdev_pager_*} of {@code device_pager.c}): one object for each. */
abstract class CdevPager extends FictitiousPager {
    CdevPager(Pages pages, Fidelity fidelity) {
        super(pages, fidelity);
    }

    /**
     * {@inheritDoc}
     *
     * @return null when the handle is no device, or the device does not let all of the range be mapped with
     *     {@code prot}
     */
    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        long end = end(bytes, offset);
        if (!(handle instanceof Device device) || end < 0 || end > device.pages()) {
            return null;
        }
        for (long pindex = PageSize.index(offset); pindex < end; pindex++) {
            if (device.frame(pindex, prot) == Device.NO_FRAME) {
                return null;
            }
        }
        return objects.named(type(), device, end);
    }

    private static Device deviceOf(VmObject object) {
        if (object.handle() instanceof Device device) {
            return device;
        }
        throw new KernelPanic("device pager: object %d has handle %s", object.id(), Objects.toString(object.handle()));
    }

    @Override
    int frame(VmObject object, long pindex) {
        return deviceOf(object).frame(pindex, Prot.READ);
    }

    /** The device's wish, or else the object's. */
    @Override
    int memattr(VmObject object) {
        int wish = deviceOf(object).memattr();
        return wish != MemoryAttribute.WRITE_BACK ? wish : object.memattr();
    }
}
