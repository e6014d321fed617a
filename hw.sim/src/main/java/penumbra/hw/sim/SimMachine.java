// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Cpu;
import penumbra.hw.Device;
import penumbra.hw.Machine;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;
import penumbra.hw.TrapHandler;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.kern.SteppedSleepQueue;
import penumbra.kern.ThreadSleepQueue;
import penumbra.kern.VirtualClock;
import penumbra.kern.WouldBlock;

/** The simulated machine: its CPUs, the log through which their TLBs are shot down, and its devices. */
@Component(service = Machine.class, configurationPid = "penumbra.hw.sim")
@Designate(ocd = MachineConfig.class)
public final class SimMachine implements Machine {
    private static final Logger LOG = LoggerFactory.getLogger(SimMachine.class);
    /** Behind the last page of 47-bit addresses. */
    private static final long END_OF_PAGES = PageSize.index(1L << 47);

    private final MachineSettings settings;
    private final InvalidationLog log = new InvalidationLog();
    private final List<SimCpu> cpus = new ArrayList<>();
    private final List<Device> devices;
    private final SleepQueue sleepQueue;
    private final VirtualClock clock = new VirtualClock();
    private final AtomicReference<@Nullable TrapHandler> trapHandler = new AtomicReference<>();
    private final AtomicReference<@Nullable KernelPanic> panic = new AtomicReference<>();

    /** Held by whoever has stopped the CPUs, and taken for a moment by each CPU that waits to go on. */
    private final Object stop = new Object();

    private volatile boolean stopping;

    /** A machine as configured. */
    @Activate
    public SimMachine(@Reference PhysicalMemory memory, MachineConfig config) {
        this(memory, settingsOf(config));
    }

    /** A machine with {@code memory}, built as {@code settings} say; no space is active on any CPU. */
    public SimMachine(PhysicalMemory memory, MachineSettings settings) {
        this.settings = settings;
        this.sleepQueue = settings.execution() == Execution.STEPPED ? new SteppedSleepQueue() : new ThreadSleepQueue();
        for (int number = 0; number < settings.cpus(); number++) {
            cpus.add(new SimCpu(number, this, memory, log, new Tlb(settings.tlbEntries())));
        }
        this.devices = devicesOn(memory);
    }

    /** A frame buffer and a DMA engine, if there is device memory for both. */
    private static List<Device> devicesOn(PhysicalMemory memory) {
        for (MemorySegment segment : memory.segments()) {
            if (segment.use() == SegmentUse.DEVICE && segment.frames() >= FrameBuffer.FRAMES + DmaEngine.FRAMES) {
                int first = segment.firstFrame();
                return List.of(new FrameBuffer(memory, first), new DmaEngine(memory, first + FrameBuffer.FRAMES));
            }
        }
        return List.of();
    }

    private static MachineSettings settingsOf(MachineConfig config) {
        return new MachineSettings(config.cpus(), config.execution(), config.fidelity(), config.tlb_entries());
    }

    /** Says that another build of the machine has to wait for the next boot. */
    @Modified
    public void modified(MachineConfig config) {
        if (!settingsOf(config).equals(settings)) {
            LOG.warn("the machine is {}; {} takes effect when it boots again", settings, settingsOf(config));
        }
    }

    /** Switches the machine off: programs that still run end with a panic that says so. */
    @Deactivate
    public void switchOff() {
        halt(new KernelPanic("the machine was switched off"));
    }

    @Override
    public Execution execution() {
        return settings.execution();
    }

    @Override
    public Fidelity fidelity() {
        return settings.fidelity();
    }

    @Override
    public List<Cpu> cpus() {
        return List.copyOf(cpus);
    }

    @Override
    public List<Device> devices() {
        return devices;
    }

    @Override
    public SleepQueue sleepQueue() {
        return sleepQueue;
    }

    @Override
    public VirtualClock clock() {
        return clock;
    }

    @Override
    public void setTrapHandler(@Nullable TrapHandler handler) {
        @Nullable TrapHandler before = trapHandler.getAndSet(handler);
        if (before != null && handler != null) {
            throw new KernelPanic("setTrapHandler: %s while %s is registered", handler, before);
        }
    }

    @Override
    public void invalidatePage(int asid, long page) {
        shoot(asid, page, page + 1);
    }

    @Override
    public void invalidateRange(int asid, long start, long end) {
        shoot(asid, start, end);
    }

    @Override
    public void invalidateSpace(int asid) {
        shoot(asid, 0, END_OF_PAGES);
    }

    @Override
    public void invalidateAll() {
        shoot(InvalidationLog.EVERY_SPACE, 0, END_OF_PAGES);
    }

    private void shoot(int asid, long start, long end) {
        long number = announce(asid, start, end);
        for (int i = 0; i < cpus.size(); i++) {
            cpus.get(i).awaitAnswer(asid, number);
        }
    }

    /** Announces an invalidation to all CPUs, and interrupts those that it concerns. */
    private long announce(int asid, long start, long end) {
        long number = log.announce(asid, start, end);
        for (int i = 0; i < cpus.size(); i++) {
            cpus.get(i).interrupt(asid);
        }
        return number;
    }

    private void announceAll() {
        announce(InvalidationLog.EVERY_SPACE, 0, END_OF_PAGES);
    }

    @Override
    public void stopped(Runnable action) {
        synchronized (stop) {
            stopping = true;
            try {
                announceAll();
                cpus.forEach(SimCpu::awaitKernel);
                action.run();
                announceAll();
            } finally {
                stopping = false;
            }
        }
    }

    /** Whether CPUs have to leave user mode, for a while or for good. */
    boolean held() {
        return stopping || panic.get() != null;
    }

    /** Returns when nobody holds the CPUs any more; throws the panic that halted the machine. */
    void awaitResume() {
        synchronized (stop) {
            @Nullable KernelPanic cause = panic.get();
            if (cause != null) {
                throw cause;
            }
        }
    }

    /** Lets the kernel resolve a fault; whatever but an answer comes out of it halts the machine. */
    KernReturn pageFault(SimCpu cpu, long address, int access) {
        try {
            @Nullable TrapHandler handler = trapHandler.get();
            if (handler == null) {
                throw new KernelPanic("trap: fault at %#x (access %d) on %s and no handler", address, access, cpu);
            }
            return handler.pageFault(cpu, address, access);
        } catch (WouldBlock unusable) {
            throw unusable;
        } catch (KernelPanic broken) {
            halt(broken);
            throw broken;
        } catch (RuntimeException | Error escaped) {
            KernelPanic broken = new KernelPanic(escaped, "trap: out of the fault handler came " + escaped);
            halt(broken);
            throw broken;
        }
    }

    @Override
    public void halt(KernelPanic cause) {
        if (panic.compareAndSet(null, cause)) {
            announceAll();
            sleepQueue.halt(cause);
        }
    }

    @Override
    public @Nullable KernelPanic panic() {
        return panic.get();
    }
}
