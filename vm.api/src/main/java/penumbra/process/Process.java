// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.map.AddressSpace;

/** A process: an address space with a name and a user. Threads of a process are CPUs that run the same space. */
@ProviderType
public interface Process {
    /** The number, from 1 in order of creation; 1 is nobody's special process. */
    int pid();

    /** The name for messages. */
    String name();

    Cred cred();

    AddressSpace space();

    /** Whether it was chosen to die for want of memory, or told to otherwise; it ends at its next trap. */
    boolean killed();

    /** Why it was killed; empty when it was not. */
    String killReason();

    /** Whether it may not be killed for want of memory ({@code P_PROTECTED}, {@code P_SYSTEM}). */
    boolean isProtected();

    void setProtected(boolean on);

    /** The limit in bytes; {@link Limit#INFINITY} for none. A child starts with its parent's. */
    long limit(Limit limit);

    /** Changes a limit; what exceeds it already stays. */
    void setLimit(Limit limit, long bytes);

    /** The process's system calls on its memory. */
    MemoryCalls calls();
}
