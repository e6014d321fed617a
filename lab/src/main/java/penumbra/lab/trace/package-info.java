// SPDX-License-Identifier: BSD-2-Clause
/**
 * Recordings of real programs: reading the logs of Valgrind's Lackey and compact recordings, and the stream of events
 * that a replay works through.
 *
 * <p>{@link penumbra.lab.trace.Recording} opens any input and knows its processes. For each one it gives a
 * {@link penumbra.lab.trace.Trace}: rows of {@link penumbra.lab.trace.Reference references} and
 * {@link penumbra.lab.trace.Call calls} in the order in which they happened. Everything that cannot be read is a
 * {@link penumbra.lab.trace.BadInput} with one line for the user.
 *
 * <p>How a process of a replay goes: a root starts at once; it, and every child that does not continue its fork,
 * begins with {@code Exec}. {@code Fork} brings the child, which may run from then on. The end of the trace is the
 * exit.
 */
package penumbra.lab.trace;
