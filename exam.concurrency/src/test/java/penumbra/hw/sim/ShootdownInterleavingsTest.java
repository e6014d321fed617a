// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Pair;
import penumbra.hw.Cpu;
import penumbra.hw.HeapMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.Translation;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;

/** A CPU that runs a program, and a shooter that takes the frame away which the program stores to. */
class ShootdownInterleavingsTest {
    private static final int ASID = 1;
    private static final int TLB_ENTRIES = 16;
    /** The frames of {@link HeapMemory}. */
    private static final int OLD = 16;

    private static final int NEW = 17;
    private static final long SHOOTERS = -1;

    /** A space of one page. */
    private static final class OnePage implements Translation {
        volatile int frame = OLD;

        @Override
        public int asid() {
            return ASID;
        }

        @Override
        public long walk(long address, int access) {
            int now = frame;
            return now == 0 ? TlbEntry.MISS : TlbEntry.of(now, Prot.RW, true);
        }
    }

    @Test
    void nobodyStoresThroughATranslationThatWasShotDown() {
        Pair.explore(() -> {
            HeapMemory memory = new HeapMemory(2, 1);
            SimMachine machine =
                    new SimMachine(memory, new MachineSettings(1, Execution.STEPPED, Fidelity.CORRECTED, TLB_ENTRIES));
            OnePage space = new OnePage();
            Cpu cpu = machine.cpus().get(0);
            machine.setTrapHandler((on, address, access) -> {
                space.frame = NEW;
                return KernReturn.SUCCESS;
            });
            cpu.activate(space);
            Pair.run(
                    () -> {
                        cpu.enterUser();
                        cpu.store(0, 1, 1);
                        cpu.store(0, 1, 2);
                        cpu.leaveUser();
                    },
                    () -> {
                        space.frame = 0;
                        machine.invalidatePage(ASID, 0);
                        memory.store(OLD, 0, 1, SHOOTERS);
                    });
            Pair.check(memory.load(OLD, 0, 1) == (SHOOTERS & 0xFF), "the frame is not the shooter's own");
        });
    }
}
