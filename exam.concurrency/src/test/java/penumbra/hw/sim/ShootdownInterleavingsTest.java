// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.hw.Cpu;
import penumbra.hw.HeapMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.Translation;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/** CPUs that run a program, and shooters that take the frame away which the program stores to. */
@Param(name = "who", gen = ThreadIdGen.class)
public class ShootdownInterleavingsTest {
    private static final int ASID = 1;
    private static final int CPUS = 4;
    private static final int TLB_ENTRIES = 16;
    /** The frames of {@link HeapMemory}. */
    private static final int OLD = 16;

    private static final int NEW = 17;
    private static final long SHOOTERS = 0xFF;

    private final HeapMemory memory = new HeapMemory(2, 1);
    private final SimMachine machine =
            new SimMachine(memory, new MachineSettings(CPUS, Execution.STEPPED, Fidelity.CORRECTED, TLB_ENTRIES));
    private final OnePage space = new OnePage();
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "space");
    private boolean taken;

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

    /** Made by the checker, once for each interleaving. */
    public ShootdownInterleavingsTest() {
        machine.setTrapHandler((on, address, access) -> {
            space.frame = NEW;
            return KernReturn.SUCCESS;
        });
        machine.cpus().forEach(cpu -> cpu.activate(space));
    }

    /** Does what it is told to. */
    public static class Model {
        private boolean taken;

        /** Runs a program. */
        public void run(int who) {
            // It has nothing to say.
        }

        /** Takes the frame away, unless somebody has. */
        public boolean take() {
            boolean first = !taken;
            taken = true;
            return first;
        }
    }

    @Operation
    public void run(@Param(name = "who") int who) {
        Cpu cpu = machine.cpus().get(who);
        cpu.enterUser();
        cpu.store(0, 1, 1);
        cpu.store(0, 1, 2);
        cpu.leaveUser();
    }

    @Operation
    public boolean take() {
        lock.lock();
        boolean first = !taken;
        if (first) {
            space.frame = 0;
            machine.invalidatePage(ASID, 0);
            memory.store(OLD, 0, 1, SHOOTERS);
            taken = true;
        }
        lock.unlock();
        return first;
    }

    /** What was taken away is the shooter's own. */
    @Validate
    public void verify() {
        Operations.check(!taken || memory.load(OLD, 0, 1) == SHOOTERS, "somebody stored to the frame");
    }

    @Test
    void nobodyStoresThroughATranslationThatWasShotDown() {
        Operations.explore(ShootdownInterleavingsTest.class, Model.class);
    }
}
