// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;

/** What can be set of the machine; a change takes effect when it boots again. */
@ObjectClassDefinition(name = "Penumbra machine", description = "The simulated machine.")
public @interface MachineConfig {
    /** How many CPUs the machine has. */
    @AttributeDefinition(name = "CPUs", description = "How many CPUs the machine has.", min = "1", max = "64")
    int cpus() default 2;

    /** How the machine's activities are driven. */
    @AttributeDefinition(name = "Execution", description = "STEPPED: one thread, repeatable. THREADED: real threads.")
    Execution execution() default Execution.THREADED;

    /** Which truth the kernel follows. */
    @AttributeDefinition(
            name = "Fidelity",
            description = "ORIGINAL: the defects of FreeBSD 10.0 included. CORRECTED: known defects are mended.")
    Fidelity fidelity() default Fidelity.CORRECTED;

    /** How many translations each CPU's TLB holds: a power of two. */
    @AttributeDefinition(
            name = "TLB entries",
            description = "Translations that each CPU's TLB holds; a power of two.",
            min = "16",
            max = "65536")
    int tlb_entries() default MachineSettings.TLB_ENTRIES;
}
