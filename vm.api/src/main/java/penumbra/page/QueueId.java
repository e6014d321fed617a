// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

/** The paging queue that a page is on. */
public enum QueueId {
    /** Pages that have not been used for a while, and whose turn to be laundered or freed comes. */
    INACTIVE,
    /** Pages in use. */
    ACTIVE,
    /** On neither queue: wired, unmanaged, busy in a fault, free or cached. */
    NONE
}
