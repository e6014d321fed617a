// SPDX-License-Identifier: BSD-2-Clause

/** Address spaces, processes and the fault handler ({@code vm_map.c}, {@code vm_fault.c}). */
@NullMarked
package penumbra.vm.map;

import org.jspecify.annotations.NullMarked;
