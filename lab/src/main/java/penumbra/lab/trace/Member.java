// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/** One process as it was read, not yet joined with others. */
record Member(String source, LogSummary summary, ReferenceCounts references, Segment contents) {}
