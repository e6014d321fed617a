// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Machine;
import penumbra.object.ObjectType;
import penumbra.page.Pages;
import penumbra.pager.Pager;

/** The pager of device memory whose mappings nobody keeps track of ({@code OBJT_DEVICE}). */
@Component(service = Pager.class)
public final class DevicePager extends CdevPager {
    /** The pager of a machine. */
    @Activate
    public DevicePager(@Reference Machine machine, @Reference Pages pages) {
        super(pages, machine.fidelity());
    }

    @Override
    public ObjectType type() {
        return ObjectType.DEVICE;
    }

    @Override
    public String name() {
        return "device";
    }
}
