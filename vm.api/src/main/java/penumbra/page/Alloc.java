// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

/** The bits of a request for a page ({@code VM_ALLOC_*}): one class, and any of the others. */
public final class Alloc {
    /** Class: leaves {@code free_reserved} pages alone. */
    public static final int NORMAL = 0;
    /** Class: may take every page. */
    public static final int INTERRUPT = 1;
    /** Class: leaves {@code interrupt_free_min} pages alone. */
    public static final int SYSTEM = 2;
    /** The bits of the class. */
    public static final int CLASS_MASK = 3;

    /** Return it wired. */
    public static final int WIRED = 0x20;
    /** A zeroed page is preferred; the caller looks at {@link PageFlags#ZERO} and zeroes itself. Grab zeroes. */
    public static final int ZERO = 0x40;
    /** The page belongs to nobody. */
    public static final int NOOBJ = 0x100;
    /** Return it unbusied. */
    public static final int NOBUSY = 0x200;
    /** Only if it is cached. */
    public static final int IFCACHED = 0x400;
    /** Only if it is not cached. */
    public static final int IFNOTCACHED = 0x800;
    /** Grab: an existing shared-busy page will do. */
    public static final int IGN_SBUSY = 0x1000;
    /** Leave it out of dumps. */
    public static final int NODUMP = 0x2000;
    /** Return it shared-busy. */
    public static final int SBUSY = 0x4000;

    private static final int COUNT_SHIFT = 16;

    private Alloc() {}

    /** A hint that {@code pages} more will be asked for soon; enlarges the daemon's deficit on failure. */
    public static int count(int pages) {
        return pages << COUNT_SHIFT;
    }

    /** The count hint of {@code request}. */
    public static int countOf(int request) {
        return request >>> COUNT_SHIFT;
    }
}
