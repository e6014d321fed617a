// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

/** What a program says about its future use of memory ({@code MADV_*}), in FreeBSD's numbering. */
public enum Advice {
    NORMAL,
    RANDOM,
    SEQUENTIAL,
    WILLNEED,
    DONTNEED,
    FREE,
    NOSYNC,
    AUTOSYNC,
    NOCORE,
    CORE
}
