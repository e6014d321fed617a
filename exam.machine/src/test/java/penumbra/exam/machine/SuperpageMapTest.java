// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.process.Errno;
import penumbra.process.MemoryCalls;
import penumbra.process.Placement;
import penumbra.process.Process;

/** A program that leaves it to the kernel where its memory lies gets superpages. */
class SuperpageMapTest {
    private static final int LARGE = 512;
    private static final int PAGES = 2 * LARGE;
    private static final int ANON = MemoryCalls.MAP_ANON | MemoryCalls.MAP_PRIVATE;
    private static final MachineSettings SETTINGS =
            new MachineSettings(4 * PAGES, 4 * PAGES, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true);

    private static Placement map(Process process, long address, int pages) {
        return process.calls().mmap(address, PageSize.bytes(pages), Prot.RW, ANON, null, 0);
    }

    @Test
    void memoryLiesWhereSuperpagesFitAndBecomesSuperpages() {
        try (HandMachine machine = new HandMachine(SETTINGS)) {
            Kernel kernel = machine.kernel();
            Process process = kernel.processes().create("program", new Cred(1001));
            Placement small = map(process, 0, 3);
            Placement large = map(process, small.address(), PAGES);
            assertThat(large.error()).isEqualTo(Errno.OK);
            assertThat(PageSize.index(large.address()) % LARGE).isZero();
            assertThat(map(process, small.address(), 4).address())
                    .as("what is small goes into the gap")
                    .isBetween(small.address(), large.address() - 1);
            Cpu cpu = kernel.machine().cpus().get(0);
            kernel.processes().run(cpu, process);
            cpu.enterUser();
            for (int page = 0; page < PAGES; page++) {
                cpu.store(large.address() + PageSize.bytes(page), Long.BYTES, page);
            }
            for (int page = 0; page < PAGES; page++) {
                assertThat(cpu.load(large.address() + PageSize.bytes(page), Long.BYTES))
                        .isEqualTo(page);
            }
            cpu.leaveUser();
            for (int page = 0; page < PAGES; page += LARGE) {
                assertThat(process.space().pmap().path(large.address() + PageSize.bytes(page)))
                        .last()
                        .asString()
                        .contains(" PS ");
            }
            kernel.processes().exit(process);
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        }
    }
}
