// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.Device;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MemorySegment;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.ScatterList;
import penumbra.hw.SegmentUse;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;

/** Device memory of 2 MiB: mapped as a whole when a program maps it, where that is possible. */
class LargeDeviceTest {
    private static final int REGION = 512;
    private static final int SHARED = MapFlags.INHERIT_SHARE | MapFlags.PREFAULT;
    private static final int PRIVATE = MapFlags.COPY_ON_WRITE | MapFlags.PREFAULT;

    private final DeviceMachine m = DeviceMachine.optimised();
    private final MemorySegment frames = m.memory.segments().stream()
            .filter(segment -> segment.use() == SegmentUse.DEVICE)
            .findFirst()
            .orElseThrow();
    private final DeviceMachine.User program = m.user("program");
    private final Pmap pmap = program.process.space().pmap();

    @AfterEach
    void close() {
        m.close();
    }

    /** All memory of devices as one. */
    private final class Aperture implements Device {
        @Override
        public String name() {
            return "aperture";
        }

        @Override
        public long pages() {
            return frames.frames();
        }

        @Override
        public int frame(long pindex, int prot) {
            return frames.firstFrame() + (int) pindex;
        }

        @Override
        public int memattr() {
            return MemoryAttribute.WRITE_COMBINING;
        }
    }

    private VmObject object(ObjectType type) {
        ScatterList list = new ScatterList(List.of(new ScatterList.Run(frames.firstFrame(), REGION)));
        return m.allocate(type, type == ObjectType.SG ? list : new Aperture(), REGION);
    }

    private boolean isLarge(long page) {
        return pmap.path(PageSize.bytes(page)).size() == 3;
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "SG"})
    void isMappedAtOnceAndNeedsNoFault(ObjectType type) {
        program.mapWith(object(type), 0, 4 * REGION, REGION, SHARED);
        assertThat(pmap.residentCount()).isEqualTo(REGION);
        assertThat(isLarge(4 * REGION)).isTrue();
        for (int page = 0; page < REGION; page++) {
            program.store(4 * REGION + page, 8, page);
            assertThat(m.memory.load(frames.firstFrame() + page, 8, 8)).isEqualTo(page);
        }
        assertThat(program.process.space().faults().total()).isZero();
        int expected = type == ObjectType.SG ? MemoryAttribute.WRITE_BACK : MemoryAttribute.WRITE_COMBINING;
        long mapping = pmap.mapping(PageSize.bytes(4 * REGION + 9));
        assertThat(MmuMapping.memory(MmuMapping.attributes(mapping))).isEqualTo(expected);
        program.unmap(4 * REGION + 100, 1);
        assertThat(pmap.residentCount()).isEqualTo(REGION - 1);
        assertThat(program.load(4 * REGION + 101, 8)).isEqualTo(101);
    }

    @Test
    void isReadOnlyUntilItIsCopied() {
        VmObject object = object(ObjectType.DEVICE);
        program.mapWith(object, 0, 4 * REGION, REGION, PRIVATE);
        assertThat(isLarge(4 * REGION)).isTrue();
        assertThat(pmap.protection(PageSize.bytes(4 * REGION))).isEqualTo(Prot.READ);
        program.store(4 * REGION + 7, 8, 77);
        assertThat(m.memory.load(frames.firstFrame() + 7, 8, 8)).isZero();
        assertThat(program.load(4 * REGION + 7, 8)).isEqualTo(77);
    }

    @Test
    void isLeftToFaultsWhereItDoesNotFit() {
        VmObject object = object(ObjectType.DEVICE);
        program.mapWith(object, 0, 4 * REGION + 1, REGION, SHARED);
        assertThat(pmap.residentCount()).isZero();
        assertThat(object.pages().count()).isZero();
        program.store(4 * REGION + 1, 8, 5);
        assertThat(m.memory.load(frames.firstFrame(), 8, 8)).isEqualTo(5);
        assertThat(pmap.residentCount()).isEqualTo(1);
    }
}
