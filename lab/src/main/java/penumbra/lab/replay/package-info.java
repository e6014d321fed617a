// SPDX-License-Identifier: BSD-2-Clause

/**
 * The main job: recorded programs run as processes of a machine that pages for real, every byte checked against a
 * model.
 *
 * <p>A {@code Replay} opens a recording, boots a machine and schedules {@code ReplayedProcess}es on its CPUs.
 * References go to the CPU and to the content model; calls go through {@code MapCalls}, the one table from Linux's
 * calls to map operations.
 */
@NullMarked
package penumbra.lab.replay;

import org.jspecify.annotations.NullMarked;
