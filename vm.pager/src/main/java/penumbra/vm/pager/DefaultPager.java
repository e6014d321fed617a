// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.PageSize;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;

/**
 * The pager of anonymous memory that was never paged out: it has nothing, and hands page-outs to the swap pager
 * ({@code default_pager.c}).
 */
final class DefaultPager implements Pager {
    private final Pager swap;
    private final SwapAccounting accounting;
    private final Pages pages;

    DefaultPager(Pager swap, SwapAccounting accounting, Pages pages) {
        this.swap = swap;
        this.accounting = accounting;
        this.pages = pages;
    }

    @Override
    public ObjectType type() {
        return ObjectType.DEFAULT;
    }

    @Override
    public String name() {
        return "default";
    }

    /** {@code default_pager_alloc} */
    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        if (handle != null) {
            throw new IllegalArgumentException(
                    "default objects have no handle, but one of " + handle + " was asked for");
        }
        return make(objects, accounting, bytes, offset, cred);
    }

    /** Makes a default object, paid for by {@code cred} unless null; null when it could not be paid for. */
    static @Nullable VmObject make(
            ObjectFactory objects, SwapAccounting accounting, long bytes, long offset, @Nullable Cred cred) {
        long charge = PageSize.ceiling(bytes);
        if (cred != null && !accounting.reserve(charge, cred)) {
            return null;
        }
        VmObject object = objects.allocate(ObjectType.DEFAULT, PageSize.index(PageSize.ceiling(offset + bytes)));
        if (cred != null) {
            object.lock().lock();
            object.setCharge(cred, charge);
            object.lock().unlock();
        }
        return object;
    }

    @Override
    public void deallocate(VmObject object) {
        object.setType(ObjectType.DEAD);
    }

    @Override
    public PagerResult getPages(VmObject object, Page[] run, int count, int requested) {
        return DeadPager.nothing(pages, run, count, requested);
    }

    @Override
    public void putPages(VmObject object, Page[] run, int count, int flags, PagerResult[] results) {
        swap.putPages(object, run, count, flags, results);
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        return PageRun.NONE;
    }
}
