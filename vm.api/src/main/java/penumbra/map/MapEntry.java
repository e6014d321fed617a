// SPDX-License-Identifier: BSD-2-Clause
package penumbra.map;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.object.VmObject;

/** One mapping of an address space, for reading ({@code vm_map_entry}). The space's lock keeps it steady. */
@ProviderType
public interface MapEntry {
    long start();

    long end();

    /** What is mapped; null when nothing was touched yet, or for a submap. */
    @Nullable
    VmObject object();

    /** The space that is mapped here; null but for submaps. */
    @Nullable
    AddressSpace submap();

    /** Where in the object the mapping starts, in pages. */
    long offset();

    /** {@code Prot} bits in force. */
    int prot();

    /** {@code Prot} bits that may be had. */
    int maxProt();

    Inheritance inheritance();

    /** Whether the first write to each page gets a copy. */
    boolean copyOnWrite();

    /** Whether that needs an object of its own first. */
    boolean needsCopy();

    /** How many wirings; the user's count once together. */
    int wiredCount();

    /** Whether the user wired it. */
    boolean userWired();

    Behavior behavior();

    /** Who paid for the swap that this mapping itself reserves; null when nobody, or the object carries it. */
    @Nullable
    Cred cred();

    /** Pages to read ahead at the next sequential fault. */
    int readAhead();

    /** The pindex that would continue a sequential read. */
    long nextRead();

    /** How much a stack may still grow, in bytes; -1 when this is not the growing end of a stack. */
    long stackGrowth();

    /** Whether periodic syncs leave it alone. */
    boolean noSync();

    /** Whether it is left out of dumps. */
    boolean noCore();

    /** Whether it counts as a writer of its file. */
    boolean writeCounted();
}
