// SPDX-License-Identifier: BSD-2-Clause
package penumbra.map;

/** What a child gets of a mapping at fork, in FreeBSD's numbering ({@code VM_INHERIT_*}). */
public enum Inheritance {
    /** The same memory. */
    SHARE,
    /** A copy, made when written. */
    COPY,
    /** Nothing. */
    NONE
}
