// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.osgi.annotation.versioning.ProviderType;

/** What a CPU consults when its TLB misses: the translation of the address space that it runs (the meaning of CR3). */
@ProviderType
public interface Translation {
    /** The tag of this space in TLBs, 0 to 65535; not reused before every TLB has forgotten it. */
    int asid();

    /**
     * Walks the tables and sets the accessed bit, and the modified bit when {@code access} is {@link Prot#WRITE}, as
     * hardware does: atomically, without a lock.
     *
     * @param address any byte of the page
     * @param access one of {@link Prot#READ}, {@link Prot#WRITE}, {@link Prot#EXECUTE}
     * @return a {@link TlbEntry} that allows the access, or {@link TlbEntry#MISS}
     */
    long walk(long address, int access);
}
