// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.Device;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.ScatterList;
import penumbra.hw.sim.FrameBuffer;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;

/** Programs that map devices: what they store is there, and what is there they load. */
class DeviceMappingTest {
    private static final long AT = 256;
    private static final int PIXELS = PageSize.BYTES / Integer.BYTES;

    private final DeviceMachine m = DeviceMachine.stepped(Fidelity.CORRECTED);

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void theScreenShowsWhatProgramsStore() {
        DeviceMachine.User program = m.user("painter");
        VmObject object = m.allocate(ObjectType.DEVICE, m.screen, m.screen.pages());
        program.map(object, 0, AT, m.screen.pages(), true);
        int free = m.pages.counts().free();
        for (long page = 0; page < m.screen.pages(); page++) {
            program.store(AT + page, 8, 0x1111_0000_2222_0000L + page);
        }
        for (int page = 0; page < m.screen.pages(); page++) {
            int pixel = page * PIXELS + 2;
            assertThat(m.screen.pixel(pixel % FrameBuffer.WIDTH, pixel / FrameBuffer.WIDTH))
                    .isEqualTo(0x2222_0000 + page);
            assertThat(program.load(AT + page, 8)).isEqualTo(0x1111_0000_2222_0000L + page);
        }
        assertThat(m.pages.counts().free())
                .as("no page of memory stands for a device's")
                .isEqualTo(free);
        assertThat(object.pages().count()).isEqualTo((int) m.screen.pages());
        assertThat(program.process.space().faults().total()).isEqualTo(m.screen.pages());
        assertThat(program.process.space().faults().fileRead()).isZero();
    }

    @Test
    void itsPagesAreFictitiousUnmanagedAndMappedAsTheDeviceWants() {
        DeviceMachine.User program = m.user("painter");
        VmObject object = m.allocate(ObjectType.DEVICE, m.screen, 8);
        program.map(object, 0, AT, 8, true);
        program.store(AT + 3, 0, 1);
        Page page = m.page(object, 3);
        assertThat(page.flags() & PageFlags.FICTITIOUS).isNotZero();
        assertThat(page.managed()).isFalse();
        assertThat(page.frame()).isEqualTo(m.screen.frame(3, Prot.RW));
        assertThat(page.memattr()).isEqualTo(MemoryAttribute.WRITE_COMBINING);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(page.dirty()).isZero();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(m.pages.pageOfFrame(page.frame())).isNull();
    }

    @Test
    void aDeviceHasOneObjectThatGrows() {
        VmObject small = m.hold(m.allocate(ObjectType.DEVICE, m.screen, 4));
        VmObject large = m.allocate(ObjectType.DEVICE, m.screen, 9);
        assertThat(large).isSameAs(small);
        assertThat(small.refCount()).isEqualTo(2);
        assertThat(small.size()).isEqualTo(9);
        assertThat(m.allocate(ObjectType.DEVICE, m.screen, 2).size()).isEqualTo(9);
        small.deallocate();
        small.deallocate();
        VmObject managed = m.hold(m.allocate(ObjectType.MGTDEVICE, m.screen, 4));
        assertThat(managed).isNotSameAs(small);
        long id = small.id();
        m.letGo(small);
        VmObject next = m.hold(m.allocate(ObjectType.DEVICE, m.screen, 4));
        assertThat(next.id()).isNotEqualTo(id);
        assertThat(next.size()).isEqualTo(4);
    }

    @Test
    void whatADeviceDoesNotAllowCannotBeMapped() {
        long page = PageSize.BYTES;
        assertThat(m.tryAllocate(ObjectType.DEVICE, "no device", page, Prot.READ, 0))
                .isNull();
        assertThat(m.tryAllocate(ObjectType.DEVICE, null, page, Prot.READ, 0)).isNull();
        assertThat(m.tryAllocate(ObjectType.DEVICE, m.screen, page, Prot.ALL, 0))
                .isNull();
        assertThat(m.tryAllocate(ObjectType.DEVICE, m.screen, page, Prot.READ, 100))
                .isNull();
        assertThat(m.tryAllocate(ObjectType.DEVICE, m.screen, page, Prot.READ, PageSize.bytes(300)))
                .isNull();
        assertThat(m.tryAllocate(ObjectType.DEVICE, m.screen, Long.MAX_VALUE, Prot.READ, page))
                .isNull();
        assertThat(m.tryAllocate(ObjectType.DEVICE, m.screen, -1, Prot.READ, 0)).isNull();
        assertThat(m.tryAllocate(ObjectType.SG, m.screen, page, Prot.READ, 0)).isNull();
        assertThat(m.tryAllocate(ObjectType.SG, m.engine.transferMemory(), page, Prot.READ, PageSize.bytes(40)))
                .isNull();
        assertThat(m.tryAllocate(ObjectType.PHYS, null, page, Prot.READ, 1)).isNull();
        VmObject last = m.tryAllocate(ObjectType.DEVICE, m.screen, page, Prot.RW, PageSize.bytes(299));
        assertThat(m.hold(last).size()).isEqualTo(300);
    }

    @Test
    void programsAndTheEngineMeetInScatteredMemory() {
        long seed = System.nanoTime();
        System.out.println("programsAndTheEngineMeetInScatteredMemory: seed " + seed);
        ScatterList list = m.engine.transferMemory();
        byte[] arriving = new byte[(int) PageSize.bytes(list.pages())];
        new Random(seed).nextBytes(arriving);
        DeviceMachine.User driver = m.user("driver");
        VmObject object = m.allocate(ObjectType.SG, list, list.pages());
        driver.map(object, 0, AT, list.pages(), true);
        driver.store(AT, 0, 1);
        m.engine.receive(0, ByteBuffer.wrap(arriving));
        ByteBuffer model = ByteBuffer.wrap(arriving).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < arriving.length; at += 512) {
            assertThat(driver.load(AT + PageSize.index(at), at & PageSize.MASK)).isEqualTo(model.getLong(at));
        }
        for (int page = 0; page < list.pages(); page++) {
            driver.store(AT + page, 4088, page);
        }
        ByteBuffer leaving = ByteBuffer.allocate(arriving.length).order(ByteOrder.LITTLE_ENDIAN);
        m.engine.send(0, leaving);
        for (int page = 0; page < list.pages(); page++) {
            assertThat(leaving.getLong((int) PageSize.bytes(page) + 4088)).isEqualTo(page);
            assertThat(leaving.getLong((int) PageSize.bytes(page) + 1024))
                    .isEqualTo(model.getLong((int) PageSize.bytes(page) + 1024));
        }
    }

    @Test
    void severalObjectsMayStandForOneList() {
        ScatterList list = m.engine.transferMemory();
        VmObject one = m.allocate(ObjectType.SG, list, 2);
        VmObject two = m.allocate(ObjectType.SG, list, 40);
        assertThat(one).isNotSameAs(two);
        assertThat(one.size()).as("an object spans the whole list").isEqualTo(40);
        one.lock().lock();
        assertThat(one.setMemattr(MemoryAttribute.UNCACHEABLE)).isEqualTo(KernReturn.SUCCESS);
        one.lock().unlock();
        DeviceMachine.User driver = m.user("driver");
        driver.map(one, 0, AT, 40, true);
        driver.map(two, 0, AT + 100, 40, true);
        driver.map(m.allocate(ObjectType.DEVICE, m.engine, 40), 0, AT + 200, 40, true);
        driver.store(AT + 17, 16, 99);
        assertThat(driver.load(AT + 117, 16)).isEqualTo(99);
        assertThat(driver.load(AT + 217, 16)).isEqualTo(99);
        assertThat(m.page(one, 17).memattr()).isEqualTo(MemoryAttribute.UNCACHEABLE);
        assertThat(m.page(two, 17).memattr()).isEqualTo(MemoryAttribute.WRITE_BACK);
    }

    @Test
    void mappingsOfManagedMemoryAreFoundThroughTheirFrame() {
        VmObject object = m.allocate(ObjectType.MGTDEVICE, m.screen, 10);
        DeviceMachine.User one = m.user("one");
        one.map(object, 0, AT, 10, true);
        DeviceMachine.User two = one.fork("two");
        one.store(AT + 4, 0, 44);
        assertThat(two.load(AT + 4, 0)).isEqualTo(44);
        Page page = m.page(object, 4);
        assertThat(page.managed()).isTrue();
        assertThat(m.pages.pageOfFrame(page.frame())).isSameAs(page);
        object.lock().lock();
        assertThat(m.pmaps.isMapped(page)).isTrue();
        assertThat(m.pmaps.isModified(page)).isTrue();
        m.pmaps.removeWrite(page);
        assertThat(page.dirty()).isEqualTo(Page.ALL);
        assertThat(page.writeable()).isFalse();
        m.pmaps.removeAll(page);
        assertThat(m.pmaps.isMapped(page)).isFalse();
        object.lock().unlock();
        long faults = two.process.space().faults().total();
        assertThat(two.load(AT + 4, 0)).isEqualTo(44);
        assertThat(two.process.space().faults().total()).isEqualTo(faults + 1);
        assertThat(m.page(object, 4)).isSameAs(page);
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
    }

    @Test
    void aFrameIsManagedInOneObjectAtATime() {
        int frame = m.screen.frame(0, Prot.READ);
        Device twin = new OtherDevice() {
            @Override
            public int frame(long pindex, int prot) {
                return frame;
            }
        };
        DeviceMachine.User program = m.user("program");
        program.map(m.allocate(ObjectType.MGTDEVICE, m.screen, 1), 0, AT, 1, true);
        program.map(m.allocate(ObjectType.MGTDEVICE, twin, 1), 0, AT + 10, 1, true);
        program.store(AT, 0, 5);
        assertThat(program.refusal(AT + 10)).isEqualTo(KernReturn.FAILURE);
        program.unmap(AT, 1);
        assertThat(m.pages.pageOfFrame(frame)).isNull();
        assertThat(program.load(AT + 10, 0)).isEqualTo(5);
    }

    @Test
    void aPrivateMappingCopiesWhatItWrites() {
        m.memory.store(m.screen.frame(2, Prot.RW), 0, 8, 22);
        DeviceMachine.User program = m.user("program");
        program.map(m.allocate(ObjectType.DEVICE, m.screen, 10), 0, AT, 10, false);
        assertThat(program.load(AT + 2, 0)).isEqualTo(22);
        program.store(AT + 2, 0, 23);
        DeviceMachine.User child = program.fork("child");
        child.store(AT + 2, 0, 24);
        child.store(AT + 3, 0, 34);
        assertThat(m.memory.load(m.screen.frame(2, Prot.RW), 0, 8)).isEqualTo(22);
        assertThat(m.memory.load(m.screen.frame(3, Prot.RW), 0, 8)).isZero();
        assertThat(program.load(AT + 2, 0)).isEqualTo(23);
        assertThat(program.load(AT + 3, 0)).isZero();
        m.memory.store(m.screen.frame(3, Prot.RW), 0, 8, 35);
        assertThat(program.load(AT + 3, 0)).as("not copied yet").isEqualTo(35);
        m.check();
        child.exit();
        m.check();
        assertThat(program.load(AT + 2, 0)).isEqualTo(23);
    }

    @Test
    void msyncWithInvalidationAsksTheDeviceAgain() {
        int[] moved = {0};
        Device device = new OtherDevice() {
            @Override
            public int frame(long pindex, int prot) {
                return m.screen.frame(pindex + moved[0], prot);
            }
        };
        for (int page = 0; page < 20; page++) {
            m.memory.store(m.screen.frame(page, Prot.RW), 0, 8, 100 + page);
        }
        DeviceMachine.User program = m.user("program");
        VmObject object = m.allocate(ObjectType.DEVICE, device, 8);
        program.map(object, 0, AT, 8, true);
        for (int page = 0; page < 8; page++) {
            assertThat(program.load(AT + page, 0)).isEqualTo(100 + page);
        }
        Page page = m.page(object, 3);
        moved[0] = 10;
        assertThat(program.msync(AT + 2, 3, false)).isEqualTo(KernReturn.SUCCESS);
        assertThat(program.load(AT + 3, 0)).isEqualTo(103);
        assertThat(program.msync(AT + 2, 3, true)).isEqualTo(KernReturn.SUCCESS);
        assertThat(page.valid()).isZero();
        assertThat(m.page(object, 1).valid()).isEqualTo(Page.ALL);
        for (int p = 0; p < 8; p++) {
            assertThat(program.load(AT + p, 0)).isEqualTo(p >= 2 && p < 5 ? 110 + p : 100 + p);
        }
        assertThat(m.page(object, 3)).as("the same page, updated").isSameAs(page);
        assertThat(page.frame()).isEqualTo(m.screen.frame(13, Prot.RW));
        assertThat(page.valid()).isEqualTo(Page.ALL);
    }

    @Test
    void wiringLeavesFictitiousPagesAsTheyAre() {
        for (ObjectType type : new ObjectType[] {ObjectType.DEVICE, ObjectType.MGTDEVICE, ObjectType.SG}) {
            DeviceMachine.User program = m.user("program");
            VmObject object = m.allocate(type, m.handle(type), 4);
            program.map(object, 0, AT, 4, true);
            assertThat(program.mlock(AT, 4)).isEqualTo(KernReturn.SUCCESS);
            assertThat(object.pages().count()).isEqualTo(4);
            assertThat(m.page(object, 2).wireCount()).isEqualTo(1);
            assertThat(m.pages.counts().wired()).isZero();
            assertThat(program.msync(AT, 4, true)).isEqualTo(KernReturn.INVALID_ARGUMENT);
            m.check();
            assertThat(program.munlock(AT, 4)).isEqualTo(KernReturn.SUCCESS);
            assertThat(m.page(object, 2).wireCount()).isEqualTo(1);
            program.store(AT + 2, 0, 1);
            program.exit();
        }
    }

    @Test
    void aPageThatTheDeviceLosesIsAnErrorAndNeverZeroes() {
        boolean[] lost = {false};
        Device device = new OtherDevice() {
            @Override
            public int frame(long pindex, int prot) {
                return lost[0] ? NO_FRAME : m.screen.frame(pindex, prot);
            }
        };
        DeviceMachine.User program = m.user("program");
        VmObject object = m.allocate(ObjectType.DEVICE, device, 4);
        program.map(object, 0, AT, 4, true);
        program.store(AT, 0, 7);
        lost[0] = true;
        assertThat(program.refusal(AT + 1)).isEqualTo(KernReturn.FAILURE);
        assertThat(m.resident(object, 1)).isNull();
        assertThat(program.load(AT, 0)).as("what is mapped stays").isEqualTo(7);
        lost[0] = false;
        assertThat(program.load(AT + 1, 0)).isZero();
    }

    @Test
    void theOriginalServesAZeroPageInstead() {
        try (DeviceMachine original = DeviceMachine.stepped(Fidelity.ORIGINAL)) {
            boolean[] lost = {false};
            Device device = new OtherDevice() {
                @Override
                public int frame(long pindex, int prot) {
                    return lost[0] ? NO_FRAME : original.screen.frame(pindex, prot);
                }
            };
            original.memory.store(original.screen.frame(1, Prot.RW), 0, 8, 77);
            DeviceMachine.User program = original.user("program");
            VmObject object = original.allocate(ObjectType.DEVICE, device, 4);
            program.map(object, 0, AT, 4, true);
            lost[0] = true;
            assertThat(program.load(AT + 1, 0)).isZero();
            assertThat(original.page(object, 1).flags() & PageFlags.FICTITIOUS).isZero();
        }
    }

    @Test
    void realMemoryKeepsItsAttributeWhateverADeviceWants() {
        VmObject memory = m.hold(m.allocate(ObjectType.PHYS, null, 1));
        memory.lock().lock();
        assertThat(memory.setMemattr(MemoryAttribute.WRITE_THROUGH)).isEqualTo(KernReturn.SUCCESS);
        assertThat(memory.populate(0, 1)).isTrue();
        memory.lock().unlock();
        int frame = m.page(memory, 0).frame();
        Device device = new OtherDevice() {
            @Override
            public int frame(long pindex, int prot) {
                return frame;
            }

            @Override
            public int memattr() {
                return MemoryAttribute.UNCACHEABLE;
            }
        };
        DeviceMachine.User program = m.user("program");
        VmObject object = m.allocate(ObjectType.DEVICE, device, 1);
        program.map(object, 0, AT, 1, true);
        program.store(AT, 8, 3);
        assertThat(m.memory.load(frame, 8, 8)).isEqualTo(3);
        assertThat(m.page(object, 0).memattr()).isEqualTo(MemoryAttribute.WRITE_THROUGH);
    }

    /** A device of a test's own, of as many pages as the screen. */
    private abstract class OtherDevice implements Device {
        @Override
        public String name() {
            return "other";
        }

        @Override
        public long pages() {
            return FrameBuffer.WIDTH * FrameBuffer.HEIGHT / PIXELS;
        }
    }
}
