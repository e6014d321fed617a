// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;

/** The pager of objects on their way out: it has nothing and takes nothing ({@code dead_pager}). */
final class DeadPager implements Pager {
    private final Pages pages;

    DeadPager(Pages pages) {
        this.pages = pages;
    }

    @Override
    public ObjectType type() {
        return ObjectType.DEAD;
    }

    @Override
    public String name() {
        return "dead";
    }

    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        return null;
    }

    @Override
    public void deallocate(VmObject object) {
        // It has been forgotten already.
    }

    @Override
    public PagerResult getPages(VmObject object, Page[] run, int count, int requested) {
        return nothing(pages, run, count, requested);
    }

    /** Frees all pages but the requested one: the answer of a pager that has nothing. */
    static PagerResult nothing(Pages pages, Page[] run, int count, int requested) {
        for (int i = 0; i < count; i++) {
            if (i != requested) {
                SwapTransfers.release(pages, run[i]);
            }
        }
        return PagerResult.FAIL;
    }

    @Override
    public void putPages(VmObject object, Page[] run, int count, int flags, PagerResult[] results) {
        Arrays.fill(results, 0, count, PagerResult.AGAIN);
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        return PageRun.NONE;
    }
}
