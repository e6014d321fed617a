// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.Translation;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.kern.SpinWait;

/**
 * A CPU that accesses physical memory through its {@link Tlb} and takes part in shootdowns.
 *
 * <p>Each access polls the {@link InvalidationLog} once, before it looks at the TLB, and not again until its last byte is
 * through. So an answer to a shooter, given in a poll, lies between two accesses, and everything the CPU did through the
 * old translation has happened before it. In kernel mode {@link #seen} matches no announcement, which sends an access that
 * should not be made to the slow path, where it panics.
 */
final class SimCpu implements Cpu {
    private static final int KERNEL = -1;
    private static final long NOTHING = -1;
    /** Addresses have 47 bits. */
    private static final int ADDRESS_BITS = 47;
    /** Faults of one access after which a handler that always says SUCCESS is taken to be broken. */
    private static final int MOST_FAULTS = 10_000;

    private final int number;
    private final SimMachine machine;
    private final PhysicalMemory memory;
    private final InvalidationLog log;
    private final Tlb tlb;

    private @Nullable Translation space;
    private int asid;
    private long asidTag;
    private int salt;

    /** How many announcements this CPU has followed while it is in user mode. */
    private long seen = NOTHING;
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
        asidTag = Tlb.tagOf(asid);
        salt = Tlb.saltOf(asid);
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
        running = asid;
        while (machine.held()) {
            running = KERNEL;
            machine.awaitResume();
            running = asid;
        }
        followLog();
    }

    @Override
    public void leaveUser() {
        seen = NOTHING;
        running = KERNEL;
    }

    /** Follows every announcement so far and says so to those who wait for it. */
    private void followLog() {
        long tail = log.tail;
        long before = answered;
        if (tail != before) {
            log.apply(before, tail, tlb);
            answered = tail;
        }
        seen = tail;
    }

    /**
     * Returns when this CPU makes no access any more through what announcement {@code wanted} about space
     * {@code shotAsid} took away. A CPU in the kernel, in another space, or driven by the caller makes none.
     */
    void awaitAnswer(int shotAsid, long wanted) {
        for (int looks = 0; answered < wanted; looks++) {
            int now = running;
            boolean concerned = now != KERNEL && (shotAsid == InvalidationLog.EVERY_SPACE || now == shotAsid);
            if (!concerned || driver == Thread.currentThread()) {
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
        long entry = tlb.lookup(PageSize.index(address), asidTag, salt);
        if (log.tail == seen && plain(address, size) && TlbEntry.allows(entry, Prot.READ)) {
            hits++;
            return memory.load(TlbEntry.frame(entry), offset(address), size);
        }
        return loadSlowly(address, size, Prot.READ);
    }

    @Override
    public long fetch(long address, int size) {
        long entry = tlb.lookup(PageSize.index(address), asidTag, salt);
        if (log.tail == seen && plain(address, size) && TlbEntry.allows(entry, Prot.EXECUTE)) {
            hits++;
            return memory.load(TlbEntry.frame(entry), offset(address), size);
        }
        return loadSlowly(address, size, Prot.EXECUTE);
    }

    @Override
    public void store(long address, int size, long value) {
        long entry = tlb.lookup(PageSize.index(address), asidTag, salt);
        if (log.tail == seen && plain(address, size) && TlbEntry.allows(entry, Prot.WRITE)) {
            hits++;
            memory.store(TlbEntry.frame(entry), offset(address), size, value);
            return;
        }
        storeSlowly(address, size, value);
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

    private long loadSlowly(long address, int size, int access) {
        int head = restOfPage(address);
        if (size <= head) {
            long entry = translate(address, access);
            return memory.load(TlbEntry.frame(entry), offset(address), size);
        }
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

    private void storeSlowly(long address, int size, long value) {
        int head = restOfPage(address);
        if (size <= head) {
            long entry = translate(address, Prot.WRITE);
            memory.store(TlbEntry.frame(entry), offset(address), size, value);
            return;
        }
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

    private void poll() {
        if (log.tail == seen) {
            return;
        }
        if (running == KERNEL) {
            throw new KernelPanic("access: cpu %d is in kernel mode", number);
        }
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
        long cached = tlb.lookup(page, asidTag, salt);
        if (TlbEntry.allows(cached, access)) {
            hits++;
            return cached;
        }
        walks++;
        long entry = space().walk(address, access);
        if (entry != TlbEntry.MISS) {
            tlb.fill(page, asidTag, salt, entry);
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

    /** Whether an access lies in one page and below the end of addresses. */
    private static boolean plain(long address, int size) {
        return ((address & PageSize.MASK) + size - 1 >>> PageSize.SHIFT | address >>> ADDRESS_BITS) == 0;
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
