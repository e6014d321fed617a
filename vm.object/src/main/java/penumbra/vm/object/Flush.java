// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import penumbra.kern.KernelPanic;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.PagerResult;

/** What everyone who writes pages does before and after the pager ({@code vm_pageout_flush}). */
final class Flush {
    private final ObjectCore core;

    Flush(ObjectCore core) {
        this.core = core;
    }

    /** Writes {@code run} and settles what became of each page; the contract is {@link ObjectCore#flush}'s. */
    void flush(VmObject object, Page[] run, int count, int flags, int requested, PageoutFlush result) {
        object.lock().assertHeld();
        for (int i = 0; i < count; i++) {
            Page page = run[i];
            if (page.valid() != Page.ALL) {
                throw new KernelPanic(
                        "flush: page %d/%d, index %d of %s, is partially invalid: %x",
                        i, count, page.pindex(), object, page.valid());
            }
            page.sbusy();
            core.pmaps().removeWrite(page);
        }
        object.pipAdd(count);
        PagerResult[] answers = new PagerResult[count];
        core.pagers().putPages(object, run, count, flags, answers);

        int written = 0;
        int runLength = count - requested;
        boolean failed = false;
        for (int i = 0; i < count; i++) {
            boolean inRun = i >= requested && i - requested < runLength;
            switch (answers[i]) {
                case OK, PEND -> written++;
                case BAD -> run[i].undirty();
                case ERROR, FAIL -> {
                    run[i].activate();
                    failed |= inRun;
                }
                case AGAIN -> runLength = inRun ? i - requested : runLength;
            }
            if (answers[i] != PagerResult.PEND) {
                finish(object, run[i]);
            }
        }
        result.set(written, runLength, failed);
    }

    private void finish(VmObject object, Page page) {
        if (page.writeable()) {
            throw new KernelPanic("flush: page %d of %s lost its write protection", page.pindex(), object);
        }
        object.pipWakeup(1);
        page.sunbusy();
        if (core.pages().counts().severe()) {
            page.tryToCache();
        }
    }
}
