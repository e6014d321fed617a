// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.Translation;
import penumbra.kern.Apart;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.kern.SpinWait;

/**
 * A CPU that accesses physical memory through its {@link Tlb} and takes part in shootdowns.
 *
 * <p>Each access reads {@link #slots} once, before it looks at the TLB, and not again until its last byte is through. A
 * shooter {@link #interrupt interrupts} the CPU by putting slots there that remember nothing, so that the next access
 * misses and follows the {@link InvalidationLog}. So an answer to a shooter lies between two accesses, and everything
 * the CPU did through the old translation has happened before it. In kernel mode there are no slots either: an access
 * that should not be made misses, and panics.
 */
final class SimCpu extends Apart implements Cpu {
    private static final int KERNEL = -1;
    /** Addresses have 47 bits. */
    private static final int ADDRESS_BITS = 47;
    /** Faults of one access after which a handler that always says SUCCESS is taken to be broken. */
    private static final int MOST_FAULTS = 10_000;

    private static final VarHandle SLOTS;
    private static final VarHandle RUNNING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SLOTS = lookup.findVarHandle(SimCpu.class, "slots", long[].class);
            RUNNING = lookup.findVarHandle(SimCpu.class, "running", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int number;
    private final SimMachine machine;
    private final PhysicalMemory memory;
    private final InvalidationLog log;
    private final Tlb tlb;

    private @Nullable Translation space;
    private int asid;
    /** {@link Tlb#keyOf} the space. */
    private long key;

    /** Where accesses look: the TLB's slots, or {@link Tlb#NOTHING} when the next access has to {@link #poll}. */
    private volatile long[] slots = Tlb.NOTHING;

    /** The last access of {@link #translateBoth}. */
    private long first;

    private long second;

    private long hits;
    private long walks;
    private long traps;

    /** Who drives the CPU in user mode; written before {@link #running}. */
    private @Nullable Thread driver;
    /** The space that the CPU runs in user mode, or {@link #KERNEL}. */
    private volatile int running = KERNEL;
    /** How many announcements this CPU has ever followed. */
    private volatile long answered;

    SimCpu(int number, SimMachine machine, PhysicalMemory memory, InvalidationLog log, Tlb tlb) {
        this.number = number;
        this.machine = machine;
        this.memory = memory;
        this.log = log;
        this.tlb = tlb;
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public void activate(Translation next) {
        if (running != KERNEL) {
            throw new KernelPanic("activate: cpu %d is in user mode", number);
        }
        space = next;
        asid = next.asid();
        key = Tlb.keyOf(asid);
    }

    @Override
    public @Nullable Translation active() {
        return space;
    }

    @Override
    public void enterUser() {
        if (running != KERNEL) {
            throw new KernelPanic("enterUser: cpu %d is in user mode", number);
        }
        if (space == null) {
            throw new KernelPanic("enterUser: cpu %d runs no space", number);
        }
        driver = Thread.currentThread();
        open();
        while (machine.held()) {
            leaveUser();
            machine.awaitResume();
            open();
        }
        followLog();
    }

    /** Lets accesses through, and whoever shoots from now on interrupt them. */
    private void open() {
        SLOTS.setOpaque(this, tlb.slots());
        running = asid;
    }

    @Override
    public void leaveUser() {
        SLOTS.setOpaque(this, Tlb.NOTHING);
        // Who sees it sees every access before it; nothing that comes after has to wait until it is seen.
        RUNNING.setRelease(this, KERNEL);
    }

    /** Follows every announcement so far and says so to those who wait for it. */
    private void followLog() {
        long tail = log.tail;
        long before = answered;
        if (tail != before) {
            log.apply(before, tail, tlb);
            answered = tail;
        }
    }

    /**
     * Makes this CPU follow the log before its next access if it runs space {@code shotAsid} in user mode; else it does
     * so before it comes to run it.
     */
    void interrupt(int shotAsid) {
        if (concerns(running, shotAsid)) {
            slots = Tlb.NOTHING;
        }
    }

    private static boolean concerns(int running, int shotAsid) {
        return running != KERNEL && (shotAsid == InvalidationLog.EVERY_SPACE || running == shotAsid);
    }

    /**
     * Returns when this CPU, which has been interrupted, makes no access any more through what announcement
     * {@code wanted} about space {@code shotAsid} took away. A CPU in the kernel, in another space, or driven by the
     * caller makes none.
     */
    void awaitAnswer(int shotAsid, long wanted) {
        for (int looks = 0; answered < wanted; looks++) {
            if (!concerns(running, shotAsid) || driver == Thread.currentThread()) {
                return;
            }
            SpinWait.pause(looks);
        }
    }

    /** Returns when this CPU is in kernel mode, or driven by the caller. */
    void awaitKernel() {
        for (int looks = 0; running != KERNEL && driver != Thread.currentThread(); looks++) {
            SpinWait.pause(looks);
        }
    }

    @Override
    public long load(long address, int size) {
        long entry = find(address, size, Prot.READ);
        return entry == TlbEntry.MISS
                ? loadAcross(address, size, Prot.READ)
                : memory.load(TlbEntry.frame(entry), offset(address), size);
    }

    @Override
    public long fetch(long address, int size) {
        long entry = find(address, size, Prot.EXECUTE);
        return entry == TlbEntry.MISS
                ? loadAcross(address, size, Prot.EXECUTE)
                : memory.load(TlbEntry.frame(entry), offset(address), size);
    }

    @Override
    public void store(long address, int size, long value) {
        long entry = find(address, size, Prot.WRITE);
        if (entry == TlbEntry.MISS) {
            storeAcross(address, size, value);
        } else {
            memory.store(TlbEntry.frame(entry), offset(address), size, value);
        }
    }

    /**
     * A translation that lets the access through, good until the next poll; MISS if the access crosses a page. The
     * access goes on in the same place after a hit and after a miss, so that a compiled loop saves its registers around
     * the miss alone.
     */
    private long find(long address, int size, int access) {
        long[] known = slots;
        int slot = Tlb.slotOf(known, address, key);
        if (Tlb.allows(known[slot], address + size - 1, key, access) && address >>> ADDRESS_BITS == 0) {
            hits++;
            return known[slot + 1];
        }
        return size <= restOfPage(address) ? translate(address, access) : TlbEntry.MISS;
    }

    @Override
    public boolean compareAndSet(long address, long expected, long value) {
        if (address % Long.BYTES != 0) {
            throw new MemoryFault(address, Prot.WRITE, KernReturn.INVALID_ARGUMENT);
        }
        long entry = translate(address, Prot.WRITE);
        return memory.compareAndSet(TlbEntry.frame(entry), offset(address), expected, value);
    }

    @Override
    public void load(long address, int access, byte[] to, int toOffset, int length) {
        int done = 0;
        while (length - done > PageSize.BYTES) {
            int piece = restOfPage(address + done);
            loadBlock(address + done, access, to, toOffset + done, piece);
            done += piece;
        }
        loadBlock(address + done, access, to, toOffset + done, length - done);
    }

    @Override
    public void store(long address, byte[] from, int fromOffset, int length) {
        int done = 0;
        while (length - done > PageSize.BYTES) {
            int piece = restOfPage(address + done);
            storeBlock(address + done, from, fromOffset + done, piece);
            done += piece;
        }
        storeBlock(address + done, from, fromOffset + done, length - done);
    }

    private void loadBlock(long address, int access, byte[] to, int toOffset, int length) {
        int head = restOfPage(address);
        if (length <= head) {
            long entry = translate(address, access);
            memory.read(TlbEntry.frame(entry), offset(address), to, toOffset, length);
            return;
        }
        translateBoth(address, access);
        memory.read(TlbEntry.frame(first), offset(address), to, toOffset, head);
        memory.read(TlbEntry.frame(second), 0, to, toOffset + head, length - head);
    }

    private void storeBlock(long address, byte[] from, int fromOffset, int length) {
        int head = restOfPage(address);
        if (length <= head) {
            long entry = translate(address, Prot.WRITE);
            memory.write(TlbEntry.frame(entry), offset(address), from, fromOffset, length);
            return;
        }
        translateBoth(address, Prot.WRITE);
        memory.write(TlbEntry.frame(first), offset(address), from, fromOffset, head);
        memory.write(TlbEntry.frame(second), 0, from, fromOffset + head, length - head);
    }

    private long loadAcross(long address, int size, int access) {
        int head = restOfPage(address);
        translateBoth(address, access);
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            long piece = i < head
                    ? memory.load(TlbEntry.frame(first), offset(address) + i, 1)
                    : memory.load(TlbEntry.frame(second), i - head, 1);
            value = value << Byte.SIZE | piece;
        }
        return value;
    }

    private void storeAcross(long address, int size, long value) {
        int head = restOfPage(address);
        translateBoth(address, Prot.WRITE);
        for (int i = 0; i < size; i++) {
            long piece = value >>> i * Byte.SIZE;
            if (i < head) {
                memory.store(TlbEntry.frame(first), offset(address) + i, 1, piece);
            } else {
                memory.store(TlbEntry.frame(second), i - head, 1, piece);
            }
        }
    }

    /** A translation that lets the access through; good until the next poll. */
    private long translate(long address, int access) {
        for (int faults = 0; faults < MOST_FAULTS; faults++) {
            poll();
            long entry = probe(address, access);
            if (entry != TlbEntry.MISS) {
                return entry;
            }
            trap(address, access);
        }
        throw noProgress(address, access);
    }

    /**
     * Finds, between two polls, translations of the page of {@code address} and of the next: {@link #first},
     * {@link #second}.
     */
    private void translateBoth(long address, int access) {
        long next = PageSize.floor(address) + PageSize.BYTES;
        for (int faults = 0; faults < MOST_FAULTS; faults++) {
            poll();
            first = probe(address, access);
            second = first == TlbEntry.MISS ? TlbEntry.MISS : probe(next, access);
            if (second != TlbEntry.MISS) {
                return;
            }
            trap(first == TlbEntry.MISS ? address : next, access);
        }
        throw noProgress(address, access);
    }

    /** Does what the CPU was interrupted for; to be called between two accesses. */
    private void poll() {
        if (slots == tlb.slots()) {
            return;
        }
        if (running == KERNEL) {
            throw new KernelPanic("access: cpu %d is in kernel mode", number);
        }
        // First of all: whoever shoots after this CPU has looked interrupts it again.
        slots = tlb.slots();
        if (machine.held()) {
            leaveUser();
            enterUser();
        } else {
            followLog();
        }
    }

    private long probe(long address, int access) {
        if (address >>> ADDRESS_BITS != 0) {
            return TlbEntry.MISS;
        }
        long page = PageSize.index(address);
        long cached = tlb.lookup(page, key);
        if (TlbEntry.allows(cached, access)) {
            hits++;
            return cached;
        }
        walks++;
        long entry = space().walk(address, access);
        if (entry != TlbEntry.MISS) {
            tlb.fill(page, key, entry);
        }
        return entry;
    }

    private Translation space() {
        Translation active = space;
        if (active == null) {
            throw new KernelPanic("walk: cpu %d runs no space", number);
        }
        return active;
    }

    private void trap(long address, int access) {
        traps++;
        leaveUser();
        KernReturn result = machine.pageFault(this, address, access);
        enterUser();
        if (!result.ok()) {
            throw new MemoryFault(address, access, result);
        }
    }

    private KernelPanic noProgress(long address, int access) {
        KernelPanic panic = new KernelPanic(
                "trap: %d faults at %#x (access %d) on cpu %d were resolved and nothing is mapped",
                MOST_FAULTS, address, access, number);
        leaveUser();
        machine.halt(panic);
        return panic;
    }

    private static int offset(long address) {
        return (int) address & PageSize.MASK;
    }

    private static int restOfPage(long address) {
        return PageSize.BYTES - offset(address);
    }

    @Override
    public long tlbHits() {
        return hits;
    }

    @Override
    public long walks() {
        return walks;
    }

    @Override
    public long traps() {
        return traps;
    }

    @Override
    public String toString() {
        return "cpu" + number;
    }
}
