// SPDX-License-Identifier: BSD-2-Clause
package penumbra.map;

/** The option bits of map operations, in FreeBSD's numbering ({@code MAP_*} of {@code vm_map.h}). */
public final class MapFlags {
    /** insert: share at fork ({@code MAP_INHERIT_SHARE}). */
    public static final int INHERIT_SHARE = 0x0001;
    /** insert: the first write gets a copy ({@code MAP_COPY_ON_WRITE}). */
    public static final int COPY_ON_WRITE = 0x0002;
    /** insert: no object may be made for it ({@code MAP_NOFAULT}). */
    public static final int NOFAULT = 0x0004;
    /** insert: map what is resident at once ({@code MAP_PREFAULT}). */
    public static final int PREFAULT = 0x0008;
    /** insert: map what is resident at once, for a while ({@code MAP_PREFAULT_PARTIAL}). */
    public static final int PREFAULT_PARTIAL = 0x0010;
    /** insert: periodic syncs leave it alone ({@code MAP_DISABLE_SYNCER}). */
    public static final int DISABLE_SYNCER = 0x0020;
    /** insert: leave it out of dumps ({@code MAP_DISABLE_COREDUMP}). */
    public static final int DISABLE_COREDUMP = 0x0100;
    /** insert: madvise prefault only. */
    public static final int PREFAULT_MADVISE = 0x0200;
    /** insert: counts as a writer of the file ({@code MAP_VN_WRITECOUNT}). */
    public static final int VN_WRITECOUNT = 0x0400;
    /** insert: a stack that grows down ({@code MAP_STACK_GROWS_DOWN}). */
    public static final int STACK_GROWS_DOWN = 0x1000;
    /** insert: a stack that grows up ({@code MAP_STACK_GROWS_UP}). */
    public static final int STACK_GROWS_UP = 0x2000;
    /** insert: swap has been paid for ({@code MAP_ACC_CHARGED}). */
    public static final int ACC_CHARGED = 0x4000;
    /** insert: swap is not to be paid for ({@code MAP_ACC_NO_CHARGE}). */
    public static final int ACC_NO_CHARGE = 0x8000;

    /** wire: for the user ({@code VM_MAP_WIRE_USER}). */
    public static final int WIRE_USER = 1;
    /** wire: gaps in the range are allowed ({@code VM_MAP_WIRE_HOLESOK}). */
    public static final int WIRE_HOLESOK = 2;

    /** fault: wire the page for a kernel or user wiring ({@code VM_FAULT_CHANGE_WIRING}). */
    public static final int FAULT_CHANGE_WIRING = 1;
    /** fault: count the page as written ({@code VM_FAULT_DIRTY}). */
    public static final int FAULT_DIRTY = 2;

    /** mincore: the page is in memory. */
    public static final int MINCORE_INCORE = 0x1;
    /** mincore: this space accessed it. */
    public static final int MINCORE_REFERENCED = 0x2;
    /** mincore: this space modified it. */
    public static final int MINCORE_MODIFIED = 0x4;
    /** mincore: somebody accessed it. */
    public static final int MINCORE_REFERENCED_OTHER = 0x8;
    /** mincore: somebody modified it. */
    public static final int MINCORE_MODIFIED_OTHER = 0x10;

    private MapFlags() {}
}
