// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import penumbra.account.Cred;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.process.Process;
import penumbra.vm.map.ProcessTable;
import penumbra.vm.object.ObjectCore;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pageout.PageoutDaemon.Turn;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.pmap.PmapLayer;

/**
 * When the daemon lets somebody die: on a threaded machine without swap whose memory is full of dirty pages, turn by
 * turn, at times that the test chooses.
 */
class ShortageOfMemoryTest {
    private static final int FRAMES = 123;
    private static final int PROGRAM_PAGES = 10;
    private static final long BASE = 1 << 20;

    private final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(FRAMES));
    private final SimMachine machine = new SimMachine(memory, MachineSettings.threaded(1));
    private final PmapLayer pmaps = new PmapLayer(machine, memory, new Amd64Mmu(), false);
    private final PageSystem pages = new PageSystem(memory, machine, pmaps);
    private final PagerLayer pagers = new PagerLayer(machine, memory, pages);
    private final ObjectCore objects =
            new ObjectCore(machine, pmaps, pages, pagers.pagers(), pagers.swap(), pagers.accounting());
    private final ProcessTable processes =
            new ProcessTable(machine, pmaps, pages, objects, pagers.pagers(), pagers.swap(), pagers.accounting());
    private final PageoutDaemon daemon = new PageoutDaemon(machine, pages, pmaps, pagers.swap(), objects, processes);

    private final List<Page> taken = new ArrayList<>();
    private VmObject hog;
    private Process program;
    private long now;

    @BeforeEach
    void fill() {
        pagers.pagers().setObjectFactory(objects);
        program = processes.create("program", new Cred(1001));
        KernReturn mapped =
                program.space().insert(null, 0, BASE, BASE + PageSize.bytes(PROGRAM_PAGES), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        Cpu cpu = machine.cpus().get(0);
        processes.run(cpu, program);
        cpu.enterUser();
        for (int page = 0; page < PROGRAM_PAGES; page++) {
            cpu.store(BASE + PageSize.bytes(page), Long.BYTES, page);
        }
        cpu.leaveUser();
        hog = objects.allocate(ObjectType.DEFAULT, FRAMES);
        takeAll();
    }

    @AfterEach
    void takeDown() {
        hog.deallocate();
        processes.exit(program);
        processes.close();
        pagers.close();
        pages.close();
        pmaps.detach();
        memory.close();
    }

    /** Takes pages, which are dirty from now on, until memory is as short as only interrupts make it. */
    private void takeAll() {
        locked(() -> {
            while (pages.counts().available() > pages.limits().freeReserved() / 2) {
                Page page = Objects.requireNonNull(pages.alloc(hog, taken.size(), Alloc.INTERRUPT | Alloc.NOBUSY));
                page.setValid(Page.ALL);
                page.makeDirty();
                page.deactivate();
                taken.add(page);
            }
        });
        daemon.wakeup();
    }

    private void locked(Runnable change) {
        hog.lock().lock();
        change.run();
        hog.lock().unlock();
    }

    /** Memory is short from now on, and the first, softer pass is over. */
    private void begin() {
        assertThat(daemon.runOnce(now)).isEqualTo(Turn.GOING_ON);
    }

    private void inVain(int turns) {
        for (int i = 0; i < turns; i++) {
            assertThat(program.killed()).as("killed at turn %d", i).isFalse();
            assertThat(daemon.runOnce(now)).isEqualTo(Turn.STUCK);
            now += Patience.WAIT;
        }
    }

    @Test
    void afterTwelveVainPassesSomebodyDies() {
        begin();
        inVain(12);
        assertThat(program.killReason()).contains("out of memory", "0 of 0 swap slots free", "program");
    }

    @Test
    void passesWithoutAWaitCountAsOne() {
        begin();
        for (int i = 0; i < 1000; i++) {
            assertThat(daemon.runOnce(now)).isEqualTo(Turn.STUCK);
        }
        assertThat(program.killed()).isFalse();
        now += Patience.WAIT;
        inVain(11);
        assertThat(program.killed()).isTrue();
    }

    @Test
    void whileAPageIsBeingWrittenNobodyDies() {
        Page written = taken.get(taken.size() - 1);
        locked(written::sbusy);
        begin();
        inVain(100);
        locked(() -> {
            written.sunbusy();
            written.undirty();
        });
        assertThat(daemon.runOnce(now)).isEqualTo(Turn.GOING_ON);
        inVain(12);
        assertThat(program.killed()).isTrue();
    }

    @Test
    void onePageThatWasGotBeginsTheCountAgain() {
        begin();
        inVain(11);
        locked(taken.get(0)::undirty);
        assertThat(daemon.runOnce(now)).isEqualTo(Turn.GOING_ON);
        inVain(12);
        assertThat(program.killed()).isTrue();
    }

    @Test
    void memoryThatWasGivenBackBeginsTheCountAgain() {
        begin();
        inVain(11);
        locked(() -> {
            while (pages.counts().belowTarget()) {
                pages.free(taken.remove(taken.size() - 1));
            }
        });
        assertThat(daemon.runOnce(now)).isEqualTo(Turn.IDLE);
        now += Patience.WAIT;
        takeAll();
        begin();
        inVain(12);
        assertThat(program.killed()).isTrue();
    }

    @Test
    void whoMayNotBeKilledIsNot() {
        program.setProtected(true);
        begin();
        inVain(100);
    }

    /** It waits for a transfer of a page of its own to end. */
    @Test
    void whoIsGivingItsMemoryBackSavesTheOthers() throws InterruptedException {
        Process leaver = processes.create("leaver", new Cred(1001));
        VmObject object = objects.allocate(ObjectType.DEFAULT, 1);
        assertThat(leaver.space().insert(object, 0, BASE, BASE + PageSize.BYTES, Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        object.lock().lock();
        object.pipAdd(1);
        object.lock().unlock();
        Thread exit = new Thread(() -> processes.exit(leaver), "exit");
        exit.start();
        while (machine.sleepQueue().waitMessage(exit) == null) {
            Thread.onSpinWait();
        }
        begin();
        inVain(5 * 12);
        object.lock().lock();
        object.pipWakeup(1);
        object.lock().unlock();
        exit.join();
        inVain(12);
        assertThat(program.killed()).isTrue();
    }

    @Test
    void aScanThatAnOperatorAsksForKillsNobody() {
        for (int i = 0; i < 100; i++) {
            daemon.scan(2);
        }
        assertThat(program.killed()).isFalse();
    }
}
