// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.Device;
import penumbra.hw.HeapMemory;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.ScatterList;
import penumbra.hw.SegmentUse;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;

class DevicesTest {
    private final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(16));
    private final SimMachine machine = new SimMachine(memory, MachineSettings.threaded(1));
    private final FrameBuffer screen = (FrameBuffer) machine.devices().get(0);
    private final DmaEngine engine = (DmaEngine) machine.devices().get(1);

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void aMachineWithoutDeviceMemoryHasNoDevices() {
        assertThat(new SimMachine(new HeapMemory(4, 4), MachineSettings.threaded(1)).devices())
                .isEmpty();
    }

    @Test
    void everyDeviceHasFramesOfItsOwnInDeviceMemory() {
        MemorySegment segment = memory.segments().stream()
                .filter(candidate -> candidate.use() == SegmentUse.DEVICE)
                .findFirst()
                .orElseThrow();
        Set<Integer> frames = new HashSet<>();
        for (Device device : machine.devices()) {
            for (long page = 0; page < device.pages(); page++) {
                int frame = device.frame(page, Prot.RW);
                assertThat(frame).isBetween(segment.firstFrame(), segment.endFrame() - 1);
                assertThat(frames.add(frame)).isTrue();
            }
            assertThat(device.frame(-1, Prot.READ)).isEqualTo(Device.NO_FRAME);
            assertThat(device.frame(device.pages(), Prot.READ)).isEqualTo(Device.NO_FRAME);
        }
        assertThat(machine.devices()).extracting(Device::name).isEqualTo(List.of("fb", "dma"));
    }

    @Test
    void theScreenShowsWhatIsInItsFrames() {
        assertThat(screen.memattr()).isEqualTo(MemoryAttribute.WRITE_COMBINING);
        assertThat(screen.transferMemory()).isNull();
        assertThat(screen.frame(0, Prot.EXECUTE)).isEqualTo(Device.NO_FRAME);
        assertThat(screen.pixel(3, 0)).isZero();
        memory.store(screen.frame(0, Prot.WRITE), 12, 4, 0xFF8040);
        assertThat(screen.pixel(3, 0)).isEqualTo(0xFF8040);
        memory.store(screen.frame(screen.pages() - 1, Prot.WRITE), PageSize.BYTES - 4, 4, 0x80FFFFFFL);
        assertThat(screen.pixel(639, 479)).isEqualTo(0x80FFFFFF);
        assertThatThrownBy(() -> screen.pixel(640, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> screen.pixel(0, -1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void theEngineMovesBytesAcrossItsScatteredPages() {
        ScatterList list = engine.transferMemory();
        assertThat(list.runs()).hasSize(16);
        assertThat(list.pages()).isEqualTo(40);
        long seed = System.nanoTime();
        System.out.println("theEngineMovesBytesAcrossItsScatteredPages: seed " + seed);
        Random random = new Random(seed);
        byte[] model = new byte[(int) PageSize.bytes(list.pages())];
        for (int i = 0; i < 200; i++) {
            int offset = random.nextInt(model.length);
            byte[] bytes = new byte[1 + random.nextInt(Math.min(20_000, model.length - offset))];
            random.nextBytes(bytes);
            System.arraycopy(bytes, 0, model, offset, bytes.length);
            engine.receive(offset, ByteBuffer.wrap(bytes));
        }
        for (int i = 0; i < model.length; i += 64) {
            assertThat(memory.load(list.frame(PageSize.index(i)), i & PageSize.MASK, 1))
                    .isEqualTo(model[i] & 0xFF);
        }
        ByteBuffer sent = ByteBuffer.allocate(model.length);
        engine.send(0, sent);
        assertThat(sent.array()).isEqualTo(model);
        assertThatThrownBy(() -> engine.send(1, ByteBuffer.allocate(model.length)))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
