// SPDX-License-Identifier: BSD-2-Clause
/**
 * What every byte of a replayed program must be, kept apart from the system that it checks: plain Java that imports
 * nothing of it.
 *
 * <p>{@link penumbra.lab.model.ContentModel} makes a {@link penumbra.lab.model.ProcessModel} per process and a
 * {@link penumbra.lab.model.FileContent} per file or shared memory. The replay tells a process model of every mapping
 * ({@code mapZero}, {@code mapPrivate}, {@code mapShared}, {@code unmap}, {@code move}, {@code discard},
 * {@code mayDiscard}, {@code fork}), asks it for the value of every store, and shows it the result of every load.
 */
package penumbra.lab.model;
