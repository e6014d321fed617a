// SPDX-License-Identifier: BSD-2-Clause

/**
 * The inspector at the prompt: the kernel debugger's commands, under FreeBSD's names.
 *
 * <p>Goal: look at a machine without changing it, whether it runs, rests or has panicked. Each command is one component
 * that reads through the contracts, waits for no lock for ever, and gives its answer as text of a bounded number of
 * lines.
 */
@NullMarked
package penumbra.ddb;

import org.jspecify.annotations.NullMarked;
