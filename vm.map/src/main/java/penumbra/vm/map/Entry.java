// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.map.Behavior;
import penumbra.map.Inheritance;
import penumbra.map.MapEntry;
import penumbra.object.VmObject;

/** One mapping, linked into the {@link EntryTree} of its space by its own fields. Guarded by the space's lock. */
final class Entry implements MapEntry {
    // Flag bits, in FreeBSD's numbering (MAP_ENTRY_*).
    static final int NOSYNC = 0x0001;
    static final int SUBMAP = 0x0002;
    static final int COW = 0x0004;
    static final int NEEDS_COPY = 0x0008;
    static final int NOFAULT = 0x0010;
    static final int USER_WIRED = 0x0020;
    static final int SEQUENTIAL = 0x0040;
    static final int RANDOM = 0x0080;
    static final int BEHAVIOR = SEQUENTIAL | RANDOM;
    static final int IN_TRANSITION = 0x0100;
    static final int NEEDS_WAKEUP = 0x0200;
    static final int NOCOREDUMP = 0x0400;
    static final int GROWS_DOWN = 0x1000;
    static final int GROWS_UP = 0x2000;
    static final int WIRE_SKIPPED = 0x4000;
    static final int VN_WRITECOUNT = 0x8000;

    /** What {@link #wiredCount()} is between a wiring that failed and its rollback. */
    static final int WIRING_FAILED = -1;

    long start;
    long end;
    /** In pages. */
    long offset;

    @Nullable
    VmObject object;

    @Nullable
    Space submap;

    int flags;
    int prot;
    int maxProt;
    Inheritance inheritance = Inheritance.COPY;
    int wired;

    /** Who wires or unwires the entry while it is in transition. */
    @Nullable
    Thread wiringThread;

    int readAhead;
    long nextRead;
    long stackGrowth;

    @Nullable
    Cred cred;

    // The tree's fields.
    @Nullable
    Entry left;

    @Nullable
    Entry right;

    @Nullable
    Entry next;

    @Nullable
    Entry previous;

    int priority;
    /** Free bytes right behind this entry. */
    long gap;
    /** The largest {@link #gap} in the subtree. */
    long largestGap;

    /** An entry of {@code [start, end)} with nothing in it. */
    Entry(long start, long end) {
        this.start = start;
        this.end = end;
    }

    /** A copy that is in no tree. */
    Entry(Entry other) {
        start = other.start;
        end = other.end;
        offset = other.offset;
        object = other.object;
        submap = other.submap;
        flags = other.flags;
        prot = other.prot;
        maxProt = other.maxProt;
        inheritance = other.inheritance;
        wired = other.wired;
        wiringThread = other.wiringThread;
        readAhead = other.readAhead;
        nextRead = other.nextRead;
        stackGrowth = other.stackGrowth;
        cred = other.cred;
    }

    /** The rights that mappings of its pages may have: not to write while it is to be copied first. */
    int mappable() {
        return has(NEEDS_COPY) ? prot & ~Prot.WRITE : prot;
    }

    /** Whether any of the flag bits is set. */
    boolean has(int bits) {
        return (flags & bits) != 0;
    }

    boolean contains(long address) {
        return address >= start && address < end;
    }

    /** Bytes mapped. */
    long length() {
        return end - start;
    }

    /** Pages mapped. */
    long pages() {
        return PageSize.index(end - start);
    }

    /** The pindex that {@code address}, which is inside, maps. */
    long pindexOf(long address) {
        return offset + PageSize.index(address - start);
    }

    /** How often the kernel wired it ({@code vm_map_entry_system_wired_count}). */
    int systemWired() {
        return wired - (has(USER_WIRED) ? 1 : 0);
    }

    /** Whether swap has been reserved for it, here or in its object ({@code ENTRY_CHARGED}). */
    boolean charged() {
        if (cred != null) {
            return true;
        }
        VmObject mapped = object;
        return mapped != null && mapped.cred() != null && !has(NEEDS_COPY);
    }

    /** Whether the two may be one entry, save for their objects' places. */
    boolean sameTerms(Entry other) {
        return object == other.object
                && flags == other.flags
                && prot == other.prot
                && maxProt == other.maxProt
                && inheritance == other.inheritance
                && wired == other.wired
                && Objects.equals(cred, other.cred);
    }

    @Override
    public long start() {
        return start;
    }

    @Override
    public long end() {
        return end;
    }

    @Override
    public @Nullable VmObject object() {
        return object;
    }

    @Override
    public @Nullable Space submap() {
        return submap;
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public int prot() {
        return prot;
    }

    @Override
    public int maxProt() {
        return maxProt;
    }

    @Override
    public Inheritance inheritance() {
        return inheritance;
    }

    @Override
    public boolean copyOnWrite() {
        return has(COW);
    }

    @Override
    public boolean needsCopy() {
        return has(NEEDS_COPY);
    }

    @Override
    public int wiredCount() {
        return wired;
    }

    @Override
    public boolean userWired() {
        return has(USER_WIRED);
    }

    @Override
    public Behavior behavior() {
        if (has(SEQUENTIAL)) {
            return Behavior.SEQUENTIAL;
        }
        return has(RANDOM) ? Behavior.RANDOM : Behavior.NORMAL;
    }

    @Override
    public @Nullable Cred cred() {
        return cred;
    }

    @Override
    public int readAhead() {
        return readAhead;
    }

    @Override
    public long nextRead() {
        return nextRead;
    }

    @Override
    public long stackGrowth() {
        return has(GROWS_DOWN | GROWS_UP) ? stackGrowth : -1;
    }

    @Override
    public boolean noSync() {
        return has(NOSYNC);
    }

    @Override
    public boolean noCore() {
        return has(NOCOREDUMP);
    }

    @Override
    public boolean writeCounted() {
        return has(VN_WRITECOUNT);
    }

    @Override
    public String toString() {
        return String.format("entry [%#x, %#x) flags %#x object %s+%#x", start, end, flags, object, offset);
    }
}
