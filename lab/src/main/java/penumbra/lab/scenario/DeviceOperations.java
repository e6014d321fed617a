// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static penumbra.lab.scenario.Session.id;
import static penumbra.lab.scenario.Session.number;
import static penumbra.lab.scenario.Session.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Device;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;

/** The operations on the machine's devices and on memory that stays; not among those of the original's scripts. */
final class DeviceOperations {
    private final Session session;

    DeviceOperations(Session session) {
        this.session = session;
    }

    List<Operation> all() {
        return List.of(
                Operation.of("device device|mgtdevice|sg NAME PAGES", this::device),
                Operation.of("phys NAME PAGES", this::phys),
                Operation.of("memattr OBJECT wb|uc|wc|wt", this::memattr),
                Operation.of("devrd NAME PAGE", this::read),
                Operation.of("devwr NAME PAGE TAG", this::write));
    }

    private Device named(Arguments a) {
        String name = a.word("NAME");
        List<Device> devices = session.kernel().machine().devices();
        return devices.stream()
                .filter(device -> device.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new BadScript("no device " + name + ": expected one of "
                        + devices.stream().map(Device::name).toList()));
    }

    /**
     * The object of a device, or of the memory that it transfers by itself; "refused" when it must not be mapped so.
     */
    private JsonNode device(Arguments a) {
        ObjectType type =
                ObjectType.valueOf(a.choice("device", "mgtdevice", "sg").toUpperCase(Locale.ROOT));
        Device device = named(a);
        return allocate(type, type == ObjectType.SG ? device.transferMemory() : device, a.count("PAGES"));
    }

    private JsonNode phys(Arguments a) {
        return allocate(ObjectType.PHYS, a.word("NAME"), a.count("PAGES"));
    }

    private JsonNode allocate(ObjectType type, @Nullable Object handle, long pages) {
        @Nullable
        VmObject object = session.kernel().pagers().allocate(type, handle, PageSize.bytes(pages), Prot.RW, 0, null);
        if (object == null) {
            return text("refused");
        }
        session.holdings().addReference(object, 1);
        return id(object);
    }

    private JsonNode memattr(Arguments a) {
        VmObject object = session.object(a);
        int attribute =
                switch (a.choice("wb", "uc", "wc", "wt")) {
                    case "uc" -> MemoryAttribute.UNCACHEABLE;
                    case "wc" -> MemoryAttribute.WRITE_COMBINING;
                    case "wt" -> MemoryAttribute.WRITE_THROUGH;
                    default -> MemoryAttribute.WRITE_BACK;
                };
        object.lock().lock();
        int result = object.setMemattr(attribute).code();
        object.lock().unlock();
        return number(result);
    }

    /** The frame of a device's page, as the device itself sees it. */
    private int frame(Arguments a) {
        Device device = named(a);
        long page = a.count("PAGE");
        int frame = device.frame(page, Prot.NONE);
        if (frame == Device.NO_FRAME) {
            throw new BadScript(device.name() + " has no page " + page + ": expected 0 to " + (device.pages() - 1));
        }
        return frame;
    }

    private JsonNode read(Arguments a) {
        return Tags.json(Tags.of(session.kernel().memory(), frame(a)));
    }

    private JsonNode write(Arguments a) {
        int frame = frame(a);
        session.kernel().memory().write(frame, 0, Tags.page(a.number("TAG")), 0, PageSize.BYTES);
        return number(0);
    }
}
