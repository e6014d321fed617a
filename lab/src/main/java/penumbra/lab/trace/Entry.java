// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/** What a recording holds between references: a call that its reader hands on, or one that it keeps to itself. */
sealed interface Entry permits Call, DescriptorChange {}
