// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.pager.BackingStore;
import penumbra.pager.zswap.ZswapStore;
import penumbra.process.Process;

/** A compressed store on whole machines: before the swap file, full, and coming back. */
@Timeout(120)
class CompressedSwapTest {
    private static final int MEMORY = 123;
    private static final int TOUCHED = 600;
    private static final int WORDS = PageSize.BYTES / Long.BYTES;
    private static final long BASE = 1 << 20;

    private static MachineSettings settings(Execution execution, long compressedPages) {
        return new MachineSettings(MEMORY, 1024, null, 1, execution, Fidelity.CORRECTED, true)
                .withCompressedPages(compressedPages);
    }

    /** The {@code i}-th word of a page: some pages are of one word, some repeat themselves, some do not compress. */
    private static long word(int page, int i) {
        return switch (page % 3) {
            case 0 -> ~page;
            case 1 -> page * 1000L + i % 7;
            default -> (page * 4096L + i) * 0x9E3779B97F4A7C15L;
        };
    }

    private static void store(Cpu cpu) {
        cpu.enterUser();
        for (int page = 0; page < TOUCHED; page++) {
            for (int i = 0; i < WORDS; i++) {
                cpu.store(BASE + PageSize.bytes(page) + (long) i * Long.BYTES, Long.BYTES, word(page, i));
            }
        }
        cpu.leaveUser();
    }

    private static void check(Cpu cpu) {
        cpu.enterUser();
        for (int page = 0; page < TOUCHED; page++) {
            for (int i = 0; i < WORDS; i++) {
                long found = cpu.load(BASE + PageSize.bytes(page) + (long) i * Long.BYTES, Long.BYTES);
                if (found != word(page, i)) {
                    assertThat(found).as("page %d word %d", page, i).isEqualTo(word(page, i));
                }
            }
        }
        cpu.leaveUser();
    }

    private static Process program(Kernel kernel) {
        Process process = kernel.processes().create("large", new Cred(1001));
        KernReturn mapped = process.space().insert(null, 0, BASE, BASE + PageSize.bytes(TOUCHED), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        kernel.processes().run(kernel.machine().cpus().get(0), process);
        return process;
    }

    private static long usedOf(BackingStore store, long whenEmpty) {
        return whenEmpty - store.available();
    }

    @ParameterizedTest
    @EnumSource
    void takesPagesBeforeTheSwapFileDoes(Execution execution) {
        try (HandMachine machine = new HandMachine(settings(execution, 1024))) {
            Kernel kernel = machine.kernel();
            ZswapStore compressed = Objects.requireNonNull(machine.compressed());
            long fileEmpty = machine.swapFile().available();
            Process process = program(kernel);
            store(kernel.machine().cpus().get(0));
            check(kernel.machine().cpus().get(0));
            assertThat(usedOf(machine.swapFile(), fileEmpty)).isZero();
            assertThat(usedOf(compressed, compressed.capacity())).isGreaterThan(TOUCHED - MEMORY);
            assertThat(compressed.ratioPercent()).isBetween(20L, 60L);
            end(kernel, process, execution);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatItHasNoRoomForGoesToTheSwapFile(Execution execution) {
        try (HandMachine machine = new HandMachine(settings(execution, 100))) {
            Kernel kernel = machine.kernel();
            ZswapStore compressed = Objects.requireNonNull(machine.compressed());
            long fileEmpty = machine.swapFile().available();
            Process process = program(kernel);
            store(kernel.machine().cpus().get(0));
            check(kernel.machine().cpus().get(0));
            assertThat(usedOf(machine.swapFile(), fileEmpty)).isPositive();
            assertThat(usedOf(compressed, compressed.capacity())).isPositive();
            end(kernel, process, execution);
        }
    }

    /** Ends the program, and checks everything where no daemon is at work. */
    private static void end(Kernel kernel, Process process, Execution execution) {
        kernel.processes().exit(process);
        if (execution == Execution.STEPPED) {
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        }
    }

    @Test
    void comesBackWithItsPagesAfterARestart() throws Exception {
        MachineSettings settings = settings(Execution.STEPPED, 1024);
        try (HandMachine machine = new HandMachine(settings)) {
            Kernel kernel = machine.kernel();
            ZswapStore compressed = Objects.requireNonNull(machine.compressed());
            Process process = program(kernel);
            Cpu cpu = kernel.machine().cpus().get(0);
            store(cpu);
            machine.pagers().detach(compressed);
            compressed.close();
            try (ZswapStore again = ZswapStore.open("again", kernel.memory(), compressed.capacity(), 1)) {
                assertThat(machine.pagers().attach(again, 100)).isTrue();
                check(cpu);
                kernel.processes().exit(process);
                assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
                assertThat(again.available()).isEqualTo(again.capacity());
                machine.pagers().detach(again);
            }
        }
    }
}
