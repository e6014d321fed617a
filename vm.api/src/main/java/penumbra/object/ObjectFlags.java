// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

/** The flag bits of objects ({@code OBJ_*}) and the option bits of their operations, in FreeBSD's numbering. */
public final class ObjectFlags {
    public static final int FICTITIOUS = 0x1;
    public static final int UNMANAGED = 0x2;
    public static final int ACTIVE = 0x4;
    public static final int DEAD = 0x8;
    public static final int NOSPLIT = 0x10;
    public static final int PIPWNT = 0x40;
    public static final int MIGHTBEDIRTY = 0x100;
    public static final int COLORED = 0x1000;
    public static final int ONEMAPPING = 0x2000;
    public static final int DISCONNECTWNT = 0x4000;
    public static final int TMPFS = 0x8000;

    /** page_clean: wait for the writes ({@code OBJPC_SYNC}). */
    public static final int CLEAN_SYNC = 1;
    /** page_clean: the pages are going to be invalidated ({@code OBJPC_INVAL}). */
    public static final int CLEAN_INVAL = 2;
    /** page_clean: leave NOSYNC pages alone ({@code OBJPC_NOSYNC}). */
    public static final int CLEAN_NOSYNC = 4;

    /** page_remove: leave dirty pages alone ({@code OBJPR_CLEANONLY}). */
    public static final int REMOVE_CLEANONLY = 1;
    /** page_remove: the pages have no mappings ({@code OBJPR_NOTMAPPED}). */
    public static final int REMOVE_NOTMAPPED = 2;
    /** page_remove: leave wired pages alone ({@code OBJPR_NOTWIRED}). */
    public static final int REMOVE_NOTWIRED = 4;

    private ObjectFlags() {}
}
