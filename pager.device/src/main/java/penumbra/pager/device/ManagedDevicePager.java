// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Machine;
import penumbra.object.ObjectType;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.Pager;

/**
 * The pager of device memory whose mappings are kept track of ({@code OBJT_MGTDEVICE}): they can be found, and removed,
 * by frame. A frame is in one such object at a time.
 */
@Component(service = Pager.class)
public final class ManagedDevicePager extends CdevPager {
    /** The pager of a machine. */
    @Activate
    public ManagedDevicePager(@Reference Machine machine, @Reference Pages pages) {
        super(pages, machine.fidelity());
    }

    @Override
    public ObjectType type() {
        return ObjectType.MGTDEVICE;
    }

    @Override
    public String name() {
        return "mgtdevice";
    }

    @Override
    @Nullable
    Page make(int frame, int memattr) {
        return pages().newManagedFictitious(frame, memattr);
    }
}
