// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.hw.Cpu;
import penumbra.map.FaultCounts;

/** The process table. Methods may block; no lock is held. */
@ProviderType
public interface Processes {
    /** Makes a process with an empty address space. */
    Process create(String name, Cred cred);

    /** Makes a process with an empty address space that spans {@code [min, max)}. */
    Process create(String name, Cred cred, long min, long max);

    /**
     * Makes a child with what {@code parent} lets it inherit ({@code vmspace_fork}) and reserves the swap that it may need.
     *
     * @return null when that swap cannot be reserved; there is no child then
     */
    @Nullable
    Process fork(Process parent, String name);

    /** The swap, in bytes, that the last successful {@link #fork} of {@code child} reserved for it. */
    long forkCharge(Process child);

    /** Makes a child that shares the parent's address space until it exits or gets one of its own ({@code vfork}). */
    Process vfork(Process parent, String name);

    /** Ends the process and unmaps everything ({@code vmspace_exit}); no CPU may run it any more. */
    void exit(Process process);

    /** Tells the process to die; its faults fail from now on, and its waits for memory end. */
    void kill(Process process, String reason);

    /** Lets {@code cpu} run the process; the CPU is in kernel mode. */
    void run(Cpu cpu, Process process);

    /** The processes that are there, by pid. */
    List<Process> all();

    /** Counts of all faults since boot. */
    FaultCounts faults();
}
