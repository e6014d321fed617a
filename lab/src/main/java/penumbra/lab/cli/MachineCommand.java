// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

/** A command that works on a machine: its run ends when the machine is halted. */
public interface MachineCommand extends LabCommand {}
