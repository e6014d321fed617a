// SPDX-License-Identifier: BSD-2-Clause
package penumbra.inspect;

import org.osgi.annotation.versioning.ConsumerType;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * Somebody who holds references, wirings and the like outside of maps and pagers, such as a script: registered so that
 * the invariants checker can account for them.
 */
@ConsumerType
public interface Holder {
    /** Who, for messages. */
    String name();

    /** References to {@code object} held. */
    int references(VmObject object);

    /** Paging in progress of {@code object} held. */
    default int pagingInProgress(VmObject object) {
        return 0;
    }

    /** Wirings of {@code page} held. */
    default int wirings(Page page) {
        return 0;
    }

    /** Holds of {@code page} held. */
    default int holds(Page page) {
        return 0;
    }

    /** Whether the holder keeps {@code page} busy. */
    default boolean busies(Page page) {
        return false;
    }
}
