// SPDX-License-Identifier: BSD-2-Clause

/**
 * The machine below the kernel: memory, CPUs and their translation, and the pmap face that hides which MMU is active.
 *
 * <p>Goal: everything above says <em>what</em> is mapped; everything below decides how. Roles: {@link PhysicalMemory}
 * holds the bytes; {@link Machine} and {@link Cpu} run programs against it through a TLB each; an {@link Mmu} keeps
 * translation tables; {@link PmapSystem} and {@link Pmap} are the one face of whichever MMU is active. Typical flow of
 * an access: TLB, else the space's {@link Translation}, else the {@link TrapHandler}, which maps a page and lets the
 * CPU try again.
 *
 * <p>Addresses are bytes in a {@code long}, below 2^47; frames are numbered by {@code int}.
 */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.hw;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
