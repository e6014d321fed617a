// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.Cpu;
import penumbra.hw.Machine;
import penumbra.hw.PageSize;
import penumbra.hw.PmapSystem;
import penumbra.hw.Prot;
import penumbra.inspect.CounterSource;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.map.AddressSpace;
import penumbra.map.FaultCounts;
import penumbra.map.MapFlags;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.process.Process;
import penumbra.process.Processes;

/** The processes, their spaces and the kernel's; the kernel's entry for page faults. */
public final class ProcessTable implements Processes, CounterSource, InvariantCheck {
    /** The first address of programs: page 0 catches null pointers. */
    private static final long USER_MIN = PageSize.BYTES;
    /** The end of the lower half of amd64's 48-bit addresses ({@code VM_MAXUSER_ADDRESS}). */
    private static final long USER_MAX = 1L << 47;
    /** The kernel's addresses: in a space of its own, so that any will do that have room for its objects. */
    private static final long KERNEL_MIN = 1L << 40;

    private static final long KERNEL_MAX = 1L << 41;

    private final Layers layers;
    private final StackRules stackRules = new StackRules();
    private final WiringRules wiringRules;
    private final Traps traps;
    private final Space kernel;
    private final ConcurrentSkipListMap<Integer, Proc> processes = new ConcurrentSkipListMap<>();
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "process table");
    private final AtomicInteger leaving = new AtomicInteger();
    private final FaultTally departed = new FaultTally();
    private int lastPid;

    /** No processes; page faults of {@code machine} come here from now on. */
    public ProcessTable(
            Machine machine,
            PmapSystem pmaps,
            Pages pages,
            VmObjects objects,
            Pagers pagers,
            SwapSpace swap,
            SwapAccounting accounting) {
        layers = new Layers(machine, pmaps, pages, objects, pagers, swap, accounting);
        wiringRules = new WiringRules(pages);
        kernel = new Space(layers, pmaps.kernel(), Cred.ROOT, KERNEL_MIN, KERNEL_MAX, true, stackRules);
        traps = new Traps(layers);
        machine.setTrapHandler(traps);
    }

    /** Takes page faults no more; those that wait for memory end, as their processes are told to die. */
    public void close() {
        all().forEach(process -> kill(process, "the machine is switched off"));
        layers.machine().setTrapHandler(null);
    }

    /**
     * Changes how stacks grow.
     *
     * @param stepBytes the step, rounded up to pages
     * @param guardPage whether a page is kept free before the next mapping
     */
    public void setStackRules(long stepBytes, boolean guardPage) {
        stackRules.set(stepBytes, guardPage);
    }

    /**
     * Sets how many pages may be wired before {@code mlock} fails ({@code vm.max_wired}); 0 for a third of what was
     * free at boot.
     */
    public void setMaxWired(long pages) {
        wiringRules.setMaxPages(pages);
    }

    @Override
    public Process create(String name, Cred cred) {
        return create(name, cred, USER_MIN, USER_MAX);
    }

    @Override
    public Process create(String name, Cred cred, long min, long max) {
        return add(name, cred, newSpace(cred, min, max), 0);
    }

    private Space newSpace(Cred cred, long min, long max) {
        return new Space(layers, layers.pmaps().create(), cred, min, max, false, stackRules);
    }

    private Proc add(String name, Cred cred, Space space, long forkCharge) {
        lock.lock();
        Proc process = new Proc(++lastPid, name, cred, space, forkCharge, wiringRules);
        processes.put(process.pid(), process);
        space.addUser();
        lock.unlock();
        if (space.owner() == null) {
            space.setOwner(process);
        }
        return process;
    }

    @Override
    public @Nullable Process fork(Process parent, String name) {
        Space from = proc(parent).space();
        Space space = newSpace(parent.cred(), from.min(), from.max());
        from.lock();
        from.awaitIdle();
        long charge = new Forking(from, space).run();
        from.unlock();
        if (!layers.accounting().reserve(charge, parent.cred())) {
            // The child's entries release what they are charged with as they go.
            layers.accounting().reserveForce(charge, parent.cred());
            space.dispose();
            return null;
        }
        Proc child = add(name, parent.cred(), space, charge);
        child.inheritLimits(proc(parent));
        return child;
    }

    @Override
    public long forkCharge(Process child) {
        return proc(child).forkCharge();
    }

    @Override
    public Process vfork(Process parent, String name) {
        Proc child = add(name, parent.cred(), proc(parent).space(), 0);
        child.inheritLimits(proc(parent));
        return child;
    }

    @Override
    public AddressSpace exec(Process process) {
        Proc proc = proc(process);
        Space old = proc.space();
        Space fresh = newSpace(proc.cred(), old.min(), old.max());
        fresh.addUser();
        fresh.setOwner(proc);
        stopRunning(proc);
        proc.setSpace(fresh);
        leave(proc, old);
        return fresh;
    }

    @Override
    public void exit(Process process) {
        Proc proc = proc(process);
        // Before it is out of the table, so that it is always found in one place or the other.
        leaving.incrementAndGet();
        try {
            if (processes.remove(proc.pid(), proc)) {
                stopRunning(proc);
                leave(proc, proc.space());
            }
        } finally {
            leaving.decrementAndGet();
        }
    }

    @Override
    public int leaving() {
        return leaving.get();
    }

    private void stopRunning(Proc proc) {
        for (Cpu cpu : layers.machine().cpus()) {
            if (traps.running(cpu) == proc) {
                traps.setRunning(cpu, null);
                cpu.activate(layers.pmaps().kernel());
            }
        }
    }

    /** Ends one use of a space; with the last one it goes. */
    private void leave(Proc proc, Space space) {
        lock.lock();
        boolean last = space.removeUser();
        lock.unlock();
        if (space.owner() == proc) {
            space.setOwner(last ? null : userOf(space));
        }
        if (last) {
            space.dispose();
            lock.lock();
            departed.addAll(space.tally());
            lock.unlock();
        }
    }

    private @Nullable Proc userOf(Space space) {
        for (Proc process : processes.values()) {
            if (process.space() == space) {
                return process;
            }
        }
        return null;
    }

    @Override
    public void kill(Process process, String reason) {
        proc(process).kill(reason);
        layers.pages().wakeMemoryWaiters();
    }

    @Override
    public void run(Cpu cpu, Process process) {
        Proc proc = proc(process);
        traps.setRunning(cpu, proc);
        cpu.activate(proc.space().pmap());
    }

    /** The process that {@code cpu} runs; null when it runs none. */
    @Nullable
    Process running(Cpu cpu) {
        return traps.running(cpu);
    }

    @Override
    public AddressSpace kernelSpace() {
        return kernel;
    }

    @Override
    public @Nullable AddressSpace kernelSubmap(long start, long end) {
        KernReturn free = kernel.insert(null, 0, start, end, Prot.ALL, Prot.ALL, MapFlags.ACC_NO_CHARGE);
        if (!free.ok()) {
            return null;
        }
        Space submap = new Space(layers, kernel.pmap(), Cred.ROOT, start, end, false, stackRules);
        KernReturn made = kernel.submap(start, end, submap);
        if (!made.ok()) {
            throw new KernelPanic("kmem_suballoc: submap [%#x, %#x): %s", start, end, made);
        }
        return submap;
    }

    @Override
    public List<Process> all() {
        return new ArrayList<>(processes.values());
    }

    @Override
    public FaultCounts faults() {
        FaultTally sum = new FaultTally();
        lock.lock();
        sum.addAll(departed);
        lock.unlock();
        sum.addAll(kernel.tally());
        for (Proc process : processes.values()) {
            if (process.space().owner() == process) {
                sum.addAll(process.space().tally());
            }
        }
        return sum;
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        FaultCounts faults = faults();
        visitor.accept("vm.stats.vm.v_vm_faults", faults.total());
        visitor.accept("vm.stats.vm.v_zfod", faults.zeroFill());
        visitor.accept("vm.stats.vm.v_cow_faults", faults.copyOnWrite() + faults.copyAvoided());
        visitor.accept("vm.stats.vm.v_cow_optim", faults.copyAvoided());
        visitor.accept("vm.stats.vm.v_io_faults", faults.fileRead() + faults.swapRead());
        visitor.accept("vm.stats.vm.v_soft_faults", faults.soft());
        visitor.accept("vm.stats.vm.v_protection_faults", faults.protection());
        visitor.accept("vm.max_wired", wiringRules.maxPages());
    }

    @Override
    public String name() {
        return "maps";
    }

    @Override
    public void check(Violations violations) {
        check(violations, List.of());
    }

    @Override
    public void check(Violations violations, List<Holder> holders) {
        List<Space> spaces = new ArrayList<>();
        spaces.add(kernel);
        for (Proc process : processes.values()) {
            spaces.add(process.space());
        }
        new MapCheck(layers, violations, holders).run(spaces);
    }

    private static Proc proc(Process process) {
        return (Proc) process;
    }
}
