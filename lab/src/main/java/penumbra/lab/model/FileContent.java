// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.util.HashMap;
import java.util.Map;

/**
 * The bytes of a file, or of memory that is shared without a file, as every mapping of it sees them: what a shared
 * mapping stores is there for all, the order in which the stores are made counts. Safe for use by several threads as
 * far as finding pages goes; who stores to a shared page at the same time as others must hold
 * {@link ProcessModel#sharedPage}.
 */
public final class FileContent {
    private final ContentModel model;
    private final FileBytes original;
    private final Map<Long, PageBytes> pages = new HashMap<>();

    private volatile boolean shared;

    FileContent(ContentModel model, FileBytes original) {
        this.model = model;
        this.original = original;
    }

    /** Takes note that a mapping stores to it, and not to copies. */
    void share() {
        shared = true;
    }

    boolean isShared() {
        return shared;
    }

    /** A page by its number in the file. */
    synchronized PageBytes page(long number) {
        PageBytes page = pages.get(number);
        if (page == null) {
            page = PageBytes.of(this);
            original.read(number * ContentModel.PAGE_SIZE, page.bytes, 0, ContentModel.PAGE_SIZE);
            pages.put(number, page);
            model.held(ContentModel.PAGE_COST);
        }
        return page;
    }
}
