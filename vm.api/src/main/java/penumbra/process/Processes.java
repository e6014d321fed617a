// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.hw.Cpu;
import penumbra.map.AddressSpace;
import penumbra.map.FaultCounts;

/** The process table. Methods may block; no lock is held. */
@ProviderType
public interface Processes {
    /** Makes a process with an empty address space. */
    Process create(String name, Cred cred);

    /** Makes a process with an empty address space that spans {@code [min, max)}. */
    Process create(String name, Cred cred, long min, long max);

    /**
     * Makes a child with what {@code parent} lets it inherit ({@code vmspace_fork}) and reserves the swap that it may
     * need.
     *
     * @return null when that swap cannot be reserved; there is no child then
     */
    @Nullable
    Process fork(Process parent, String name);

    /** The swap, in bytes, that the last successful {@link #fork} of {@code child} reserved for it. */
    long forkCharge(Process child);

    /** Makes a child that shares the parent's address space until it exits or gets one of its own ({@code vfork}). */
    Process vfork(Process parent, String name);

    /**
     * Gives the process a new, empty address space in place of its own or its parent's ({@code vmspace_exec}); CPUs
     * that ran it must {@link #run} it again.
     */
    AddressSpace exec(Process process);

    /** Ends the process and unmaps everything ({@code vmspace_exit}); no CPU may run it any more. */
    void exit(Process process);

    /** How many processes are just giving their memory back, in {@link #exit}; {@link #all} has them no more. */
    int leaving();

    /** Tells the process to die: its faults fail with NOT_RECEIVER from now on, and its waits for memory end. */
    void kill(Process process, String reason);

    /** Lets {@code cpu} run the process; the CPU is in kernel mode. */
    void run(Cpu cpu, Process process);

    /** The kernel's own address space; ranges of it can be made submaps. */
    AddressSpace kernelSpace();

    /**
     * Makes an address space that shares the kernel's mappings, and maps it as a submap over {@code [start, end)} of
     * the kernel's space, which must be free ({@code kmem_suballoc}).
     *
     * @return null when that range is not free
     */
    @Nullable
    AddressSpace kernelSubmap(long start, long end);

    /** The processes that are there, by pid. */
    List<Process> all();

    /** Counts of all faults since boot. */
    FaultCounts faults();
}
