// SPDX-License-Identifier: BSD-2-Clause
/**
 * The front door: what {@code ./vm} does with its arguments.
 *
 * <p>A launcher hands the arguments over as a service property, {@link penumbra.lab.cli.Job} carries them to
 * {@link penumbra.lab.cli.FrontDoor}, which finds the {@link penumbra.lab.cli.LabCommand} that they name, or to the
 * {@link penumbra.lab.cli.Prompt} when there are none. The process ends with the command's
 * {@link penumbra.lab.cli.ExitStatus}, after the framework has been stopped in order.
 */
@NullMarked
package penumbra.lab.cli;

import org.jspecify.annotations.NullMarked;
