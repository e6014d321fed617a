// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import org.osgi.annotation.versioning.ProviderType;

/** What becomes of the pages of a file whose size changes. */
@ProviderType
public interface VnodeSizes {
    /**
     * Tells the vnode and its object that the file has {@code bytes} bytes now ({@code vnode_pager_setsize}). When it
     * shrank, pages behind the new end are freed and the rest of the page that holds the end is zeroed. Vnode lock, and
     * no other; waits for busy pages.
     */
    void setSize(Vnode vnode, long bytes);

    /**
     * Cuts or extends the file, then does what {@link #setSize} does. Takes the vnode lock; no lock may be held. May
     * block.
     *
     * @throws IOException when the file could not be changed; its object is as before then
     */
    void truncate(Vnode vnode, long bytes) throws IOException;
}
