// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/** The protection bits of mappings and the kinds of access, in FreeBSD's numbering ({@code VM_PROT_*}). */
public final class Prot {
    public static final int NONE = 0;
    public static final int READ = 1;
    public static final int WRITE = 2;
    public static final int EXECUTE = 4;
    /** A write that must get a private copy, for map lookups only. */
    public static final int COPY = 8;

    public static final int RW = READ | WRITE;
    public static final int ALL = READ | WRITE | EXECUTE;

    private Prot() {}
}
