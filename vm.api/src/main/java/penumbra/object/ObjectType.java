// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

/** What fills an object's pages, in FreeBSD's numbering ({@code OBJT_*}). */
public enum ObjectType {
    /** Anonymous memory that was never paged out. */
    DEFAULT,
    /** Anonymous memory with pages in backing stores. */
    SWAP,
    /** A file. */
    VNODE,
    /** Device memory, unmanaged. */
    DEVICE,
    /** Memory that stays: never paged. */
    PHYS,
    /** On its way out. */
    DEAD,
    /** A scatter list of device memory. */
    SG,
    /** Device memory whose mappings are kept track of. */
    MGTDEVICE;

    /** Whether this is anonymous memory, paged out or not. */
    public boolean anonymous() {
        return this == DEFAULT || this == SWAP;
    }
}
