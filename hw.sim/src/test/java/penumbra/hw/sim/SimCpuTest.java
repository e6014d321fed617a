// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;

class SimCpuTest {
    private static final int FRAMES = 64;
    private static final long BASE = 0x7000_0000L;
    private static final long BASE_PAGE = PageSize.index(BASE);

    private final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(FRAMES));
    private final int first = memory.segments().get(0).firstFrame();
    private final SimMachine machine = new SimMachine(memory, MachineSettings.stepped(Fidelity.CORRECTED));
    private final Cpu cpu = machine.cpus().get(0);
    private final PlainSpace space = new PlainSpace(3);
    private final List<Long> faults = new ArrayList<>();

    @BeforeEach
    void mapOnDemand() {
        machine.setTrapHandler((on, address, access) -> {
            faults.add(address);
            long page = PageSize.index(address);
            if (page < BASE_PAGE || page >= BASE_PAGE + FRAMES) {
                return KernReturn.INVALID_ADDRESS;
            }
            space.map(page, first + (int) (page - BASE_PAGE), Prot.ALL);
            return KernReturn.SUCCESS;
        });
        cpu.activate(space);
        cpu.enterUser();
    }

    @AfterEach
    void giveBack() {
        cpu.leaveUser();
        memory.close();
    }

    @Test
    void loadsWhatItStored() {
        cpu.store(BASE + 8, 8, 0x8877_6655_4433_2211L);
        assertThat(cpu.load(BASE + 8, 8)).isEqualTo(0x8877_6655_4433_2211L);
        assertThat(cpu.load(BASE + 8, 4)).isEqualTo(0x4433_2211L);
        assertThat(cpu.load(BASE + 12, 4)).isEqualTo(0x8877_6655L);
        assertThat(cpu.load(BASE + 14, 2)).isEqualTo(0x8877L);
        assertThat(cpu.load(BASE + 15, 1)).isEqualTo(0x88L);
        assertThat(cpu.fetch(BASE + 9, 2)).isEqualTo(0x3322L);
        assertThat(faults).containsExactly(BASE + 8);
        assertThat(cpu.traps()).isEqualTo(1);
        assertThat(cpu.walks()).isEqualTo(2);
        assertThat(cpu.tlbHits()).isEqualTo(6);
    }

    @Test
    void aRefusedAccessSaysWhereAndWhy() {
        assertThatThrownBy(() -> cpu.load(BASE - 1, 1)).isInstanceOfSatisfying(MemoryFault.class, fault -> {
            assertThat(fault.address()).isEqualTo(BASE - 1);
            assertThat(fault.access()).isEqualTo(Prot.READ);
            assertThat(fault.reason()).isEqualTo(KernReturn.INVALID_ADDRESS);
        });
        assertThat(cpu.load(BASE, 1)).isZero();
    }

    @Test
    void addressesBeyond47BitsAreNobodys() {
        cpu.store(BASE, 8, 1);
        for (int bit = 47; bit < 64; bit++) {
            long alias = BASE | 1L << bit;
            assertThatThrownBy(() -> cpu.load(alias, 8)).isInstanceOf(MemoryFault.class);
            assertThatThrownBy(() -> cpu.store(alias, 8, 2)).isInstanceOf(MemoryFault.class);
        }
        assertThat(cpu.load(BASE, 8)).isEqualTo(1);
    }

    @Test
    void anAccessAcrossTwoPagesStoresAllOrNothing() {
        long end = BASE + FRAMES * (long) PageSize.BYTES;
        assertThatThrownBy(() -> cpu.store(end - 3, 8, -1L))
                .isInstanceOfSatisfying(
                        MemoryFault.class, fault -> assertThat(fault.address()).isEqualTo(end));
        assertThat(cpu.load(end - 3, 1)).isZero();
        assertThat(cpu.load(end - 8, 8)).isZero();
        byte[] block = new byte[PageSize.BYTES];
        block[0] = 1;
        assertThatThrownBy(() -> cpu.store(end - 100, block, 0, PageSize.BYTES)).isInstanceOf(MemoryFault.class);
        assertThat(cpu.load(end - 100, 8)).isZero();
        long middle = BASE + PageSize.BYTES;
        cpu.store(middle - 3, 8, 0x8877_6655_4433_2211L);
        assertThat(cpu.load(middle - 3, 8)).isEqualTo(0x8877_6655_4433_2211L);
        assertThat(cpu.load(middle - 3, 2)).isEqualTo(0x2211L);
        assertThat(cpu.load(middle, 4)).isEqualTo(0x7766_5544L);
        assertThat(cpu.load(middle + 4, 1)).isEqualTo(0x88L);
    }

    /** The fault on the second page takes the first away: the access must notice. */
    @Test
    void bothPagesOfAnAccessAreThereAtOnce() {
        machine.setTrapHandler(null);
        int[] left = {3};
        machine.setTrapHandler((on, address, access) -> {
            long page = PageSize.index(address);
            long other = page ^ BASE_PAGE ^ BASE_PAGE + 1;
            if (left[0]-- > 0) {
                space.tables.remove(other);
                machine.invalidatePage(space.asid(), other);
            }
            space.map(page, first + (int) (page - BASE_PAGE), Prot.ALL);
            return KernReturn.SUCCESS;
        });
        long middle = BASE + PageSize.BYTES;
        cpu.store(middle - 4, 8, 0x8877_6655_4433_2211L);
        assertThat(cpu.traps()).isEqualTo(4);
        assertThat(memory.load(first, PageSize.BYTES - 4, 4)).isEqualTo(0x4433_2211L);
        assertThat(memory.load(first + 1, 0, 4)).isEqualTo(0x8877_6655L);
    }

    @Test
    void compareAndSetIsOneStep() {
        assertThat(cpu.compareAndSet(BASE, 0, 5)).isTrue();
        assertThat(cpu.compareAndSet(BASE, 0, 6)).isFalse();
        assertThat(cpu.load(BASE, 8)).isEqualTo(5);
        assertThatThrownBy(() -> cpu.compareAndSet(BASE + 4, 0, 1))
                .isInstanceOfSatisfying(
                        MemoryFault.class, fault -> assertThat(fault.reason()).isEqualTo(KernReturn.INVALID_ARGUMENT));
    }

    @Test
    void forgetsWhatIsInvalidated() {
        cpu.store(BASE, 8, 1);
        cpu.store(BASE + PageSize.BYTES, 8, 2);
        space.map(BASE_PAGE, first + 5, Prot.ALL);
        space.map(BASE_PAGE + 1, first + 6, Prot.ALL);
        assertThat(cpu.load(BASE, 8)).isEqualTo(1);
        machine.invalidatePage(space.asid(), BASE_PAGE);
        assertThat(cpu.load(BASE, 8)).isZero();
        assertThat(cpu.load(BASE + PageSize.BYTES, 8)).isEqualTo(2);
        machine.invalidateRange(space.asid(), BASE_PAGE, BASE_PAGE + 2);
        assertThat(cpu.load(BASE + PageSize.BYTES, 8)).isZero();
        assertThat(cpu.load(BASE, 8)).isZero();
        space.map(BASE_PAGE, first, Prot.ALL);
        machine.invalidateSpace(space.asid() + 1);
        assertThat(cpu.load(BASE, 8)).isZero();
        machine.invalidateSpace(space.asid());
        assertThat(cpu.load(BASE, 8)).isEqualTo(1);
        space.map(BASE_PAGE, first + 7, Prot.ALL);
        machine.invalidateAll();
        assertThat(cpu.load(BASE, 8)).isZero();
    }

    @Test
    void aTranslationThatMayNotWriteIsWalkedAgain() {
        int[] walks = {0};
        PlainSpace clean = new PlainSpace(9) {
            @Override
            public long walk(long address, int access) {
                walks[0]++;
                return penumbra.hw.TlbEntry.of(first, Prot.RW, access == Prot.WRITE);
            }
        };
        cpu.leaveUser();
        cpu.activate(clean);
        cpu.enterUser();
        cpu.load(BASE, 8);
        cpu.load(BASE, 8);
        assertThat(walks[0]).isEqualTo(1);
        cpu.store(BASE, 8, 1);
        cpu.store(BASE, 8, 2);
        assertThat(walks[0]).isEqualTo(2);
    }

    @Test
    void aHandlerThatNeverHelpsHaltsTheMachine() {
        machine.setTrapHandler(null);
        machine.setTrapHandler((on, address, access) -> KernReturn.SUCCESS);
        assertThatThrownBy(() -> cpu.load(BASE, 8)).isInstanceOf(KernelPanic.class);
        assertThat(machine.panic()).isNotNull();
        assertThatThrownBy(cpu::enterUser).isSameAs(machine.panic());
    }

    @Test
    void aPanicInTheHandlerHaltsTheMachine() {
        KernelPanic panic = new KernelPanic("test");
        machine.setTrapHandler(null);
        machine.setTrapHandler((on, address, access) -> {
            throw panic;
        });
        assertThatThrownBy(() -> cpu.load(BASE, 8)).isSameAs(panic);
        assertThat(machine.panic()).isSameAs(panic);
    }

    @Test
    void anExceptionOutOfTheHandlerHaltsTheMachine() {
        machine.setTrapHandler(null);
        machine.setTrapHandler((on, address, access) -> {
            throw new IllegalStateException("test");
        });
        assertThatThrownBy(() -> cpu.load(BASE, 8))
                .isInstanceOf(KernelPanic.class)
                .hasRootCauseMessage("test");
        assertThat(machine.panic()).isNotNull();
    }

    @Test
    void twoHandlersAreOneTooMany() {
        assertThatThrownBy(() -> machine.setTrapHandler((on, address, access) -> KernReturn.SUCCESS))
                .isInstanceOf(KernelPanic.class);
    }

    @Test
    void kernelModeMakesNoAccess() {
        cpu.store(BASE, 8, 1);
        cpu.leaveUser();
        assertThatThrownBy(() -> cpu.load(BASE, 8)).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(() -> cpu.store(BASE, 8, 2)).isInstanceOf(KernelPanic.class);
        cpu.enterUser();
        assertThatThrownBy(cpu::enterUser).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(() -> cpu.activate(space)).isInstanceOf(KernelPanic.class);
        assertThat(cpu.load(BASE, 8)).isEqualTo(1);
    }

    @Test
    void longBlocksGoPageByPage() {
        byte[] out = new byte[5 * PageSize.BYTES + 17];
        new SplittableRandom(1).nextBytes(out);
        cpu.store(BASE + 4000, out, 0, out.length);
        byte[] in = new byte[out.length + 2];
        cpu.load(BASE + 4000, Prot.READ, in, 1, out.length);
        assertThat(java.util.Arrays.copyOfRange(in, 1, out.length + 1)).isEqualTo(out);
        assertThat(faults).hasSize(6);
    }

    /** Random accesses of every size, crossing pages, against an array. */
    @RepeatedTest(3)
    void memoryBehavesLikeAnArray() {
        long seed = System.nanoTime();
        System.out.println("SimCpuTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        byte[] model = new byte[FRAMES * PageSize.BYTES];
        for (int step = 0; step < 50_000; step++) {
            int size = 1 + random.nextInt(8);
            int at = random.nextInt(model.length - size);
            if (random.nextInt(100) == 0) {
                long page = BASE_PAGE + random.nextInt(FRAMES);
                space.tables.remove(page);
                machine.invalidatePage(space.asid(), page);
            }
            if (random.nextBoolean()) {
                long value = random.nextLong();
                cpu.store(BASE + at, size, value);
                for (int i = 0; i < size; i++) {
                    model[at + i] = (byte) (value >>> 8 * i);
                }
            } else {
                long expected = 0;
                for (int i = size - 1; i >= 0; i--) {
                    expected = expected << 8 | model[at + i] & 0xFF;
                }
                assertThat(random.nextBoolean() ? cpu.load(BASE + at, size) : cpu.fetch(BASE + at, size))
                        .as("seed %d step %d", seed, step)
                        .isEqualTo(expected);
            }
        }
    }
}
