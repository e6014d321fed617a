// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static penumbra.lab.scenario.Session.array;
import static penumbra.lab.scenario.Session.none;
import static penumbra.lab.scenario.Session.number;
import static penumbra.lab.scenario.Session.text;
import static penumbra.lab.scenario.Session.truth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.pager.PageRun;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;

/** The operations on single pages of objects. */
final class PageOperations {
    /** What {@code get} answers for a page that no pager has. */
    private static final int ZERO_FILLED = 100;

    private final Session session;

    PageOperations(Session session) {
        this.session = session;
    }

    List<Operation> all() {
        return List.of(
                Operation.of("get OBJECT INDEX", this::get),
                Operation.of("grab OBJECT INDEX TAG d|c [a|i]", this::grab),
                Operation.of("grabinv OBJECT INDEX", this::grabInvalid),
                Operation.of("dirty OBJECT INDEX", a -> onPage(a, Page::makeDirty)),
                Operation.of("undirty OBJECT INDEX", a -> onPage(a, Page::undirty)),
                Operation.of("wire OBJECT INDEX", a -> onPage(a, this::wire)),
                Operation.of("unwire OBJECT INDEX ACTIVATE", this::unwire),
                Operation.of("hold OBJECT INDEX", a -> onPage(a, this::hold)),
                Operation.of("unhold OBJECT INDEX", a -> onPage(a, this::unhold)),
                Operation.of("act OBJECT INDEX", a -> onPage(a, Page::activate)),
                Operation.of("deact OBJECT INDEX", a -> onPage(a, Page::deactivate)),
                Operation.of("refd OBJECT INDEX", a -> onPage(a, page -> page.setAflags(PageFlags.A_REFERENCED))),
                Operation.of("xbusy OBJECT INDEX", a -> onPage(a, this::exclusiveBusy)),
                Operation.of("sbusy OBJECT INDEX", a -> onPage(a, this::sharedBusy)),
                Operation.of("xunbusy OBJECT INDEX", a -> onPage(a, this::exclusiveUnbusy)),
                Operation.of("sunbusy OBJECT INDEX", a -> onPage(a, this::sharedUnbusy)),
                Operation.of("pgfree OBJECT INDEX", this::free),
                Operation.of("trycache OBJECT INDEX", this::tryCache),
                Operation.of("cleardirty OBJECT INDEX BASE SIZE", a -> onRange(a, Page::clearDirty)),
                Operation.of("setvalidclean OBJECT INDEX BASE SIZE", a -> onRange(a, Page::setValidClean)),
                Operation.of("put OBJECT INDEX COUNT SYNC", this::put));
    }

    /** Runs on a page and answers with {@code ret}; a missing page answers "nopage". */
    private interface PageAction {
        JsonNode run(VmObject object, Page page);
    }

    private JsonNode onPage(VmObject object, long index, PageAction action) {
        object.lock().lock();
        @Nullable Page page = object.pages().lookup(index);
        JsonNode result = page == null ? text("nopage") : action.run(object, page);
        object.lock().unlock();
        return result;
    }

    private JsonNode onPage(Arguments a, Consumer<Page> action) {
        VmObject object = session.object(a);
        return onPage(object, a.count("INDEX"), (o, page) -> {
            action.accept(page);
            return none();
        });
    }

    /** An operation on a byte range of a page. */
    private interface RangeAction {
        void run(Page page, int base, int size);
    }

    private JsonNode onRange(Arguments a, RangeAction action) {
        VmObject object = session.object(a);
        long index = a.count("INDEX");
        int base = a.count("BASE");
        int size = a.count("SIZE");
        if (base + size > PageSize.BYTES) {
            throw new BadScript("BASE + SIZE is " + (base + size) + ": expected at most " + PageSize.BYTES);
        }
        return onPage(object, index, (o, page) -> {
            action.run(page, base, size);
            return none();
        });
    }

    private Page grabPage(VmObject object, long index) {
        return session.kernel().pages().grab(object, index, Alloc.NORMAL);
    }

    private JsonNode get(Arguments a) {
        VmObject object = session.object(a);
        long index = a.count("INDEX");
        object.lock().lock();
        Page page = grabPage(object, index);
        int result = 0;
        if (page.valid() != Page.ALL) {
            if (PageRun.present(session.kernel().pagers().hasPage(object, index))) {
                result = session.kernel()
                        .pagers()
                        .getPages(object, new Page[] {page}, 1, 0)
                        .ordinal();
                @Nullable Page found = object.pages().lookup(index);
                if (result != PagerResult.OK.ordinal() || found == null) {
                    if (found != null) {
                        session.kernel().pages().free(found);
                    }
                    object.lock().unlock();
                    return number(result);
                }
                page = found;
            } else {
                page.zeroInvalid(true);
                result = ZERO_FILLED;
            }
        }
        page.activate();
        page.xunbusy();
        object.lock().unlock();
        return number(result);
    }

    private JsonNode grab(Arguments a) {
        VmObject object = session.object(a);
        long index = a.count("INDEX");
        long tag = a.number("TAG");
        boolean dirty = a.choice("d", "c").equals("d");
        @Nullable String queue = a.oneOf("a", "i");
        object.lock().lock();
        Page page = grabPage(object, index);
        session.kernel().memory().write(page.frame(), 0, Tags.page(tag), 0, PageSize.BYTES);
        page.setValid(Page.ALL);
        if (dirty) {
            page.makeDirty();
        }
        if ("i".equals(queue)) {
            page.deactivate();
        } else if ("a".equals(queue)) {
            page.activate();
        }
        page.xunbusy();
        object.lock().unlock();
        return number(0);
    }

    private JsonNode grabInvalid(Arguments a) {
        VmObject object = session.object(a);
        object.lock().lock();
        Page page = grabPage(object, a.count("INDEX"));
        page.xunbusy();
        object.lock().unlock();
        return number(page.valid());
    }

    private void wire(Page page) {
        page.wire();
        session.holdings().addWiring(page, 1);
    }

    private JsonNode unwire(Arguments a) {
        VmObject object = session.object(a);
        long index = a.count("INDEX");
        boolean activate = a.flag("ACTIVATE");
        return onPage(object, index, (o, page) -> {
            if (page.wireCount() > 0) {
                page.unwire(activate);
                session.holdings().addWiring(page, -1);
            }
            return none();
        });
    }

    private void hold(Page page) {
        page.hold();
        session.holdings().addHold(page, 1);
    }

    private void unhold(Page page) {
        if (page.holdCount() > 0) {
            page.unhold();
            session.holdings().addHold(page, -1);
        }
    }

    private void exclusiveBusy(Page page) {
        if (page.tryXbusy()) {
            session.holdings().setBusy(page, true);
        }
    }

    private void sharedBusy(Page page) {
        if (page.trySbusy()) {
            session.holdings().setBusy(page, true);
        }
    }

    private void exclusiveUnbusy(Page page) {
        if (page.xbusied()) {
            page.xunbusy();
            session.holdings().setBusy(page, false);
        }
    }

    private void sharedUnbusy(Page page) {
        if (page.sharedBusy() > 0) {
            page.sunbusy();
            session.holdings().setBusy(page, page.sharedBusy() > 0);
        }
    }

    private JsonNode free(Arguments a) {
        VmObject object = session.object(a);
        return onPage(object, a.count("INDEX"), (o, page) -> {
            if (page.busied() || page.wireCount() > 0 || page.holdCount() > 0) {
                return text("skip");
            }
            session.kernel().pmaps().removeAll(page);
            session.kernel().pages().free(page);
            return number(1);
        });
    }

    private JsonNode tryCache(Arguments a) {
        VmObject object = session.object(a);
        return onPage(object, a.count("INDEX"), (o, page) -> truth(page.tryToCache()));
    }

    private JsonNode put(Arguments a) {
        VmObject object = session.object(a);
        long index = a.count("INDEX");
        int limit = a.count("COUNT");
        boolean sync = a.flag("SYNC");
        object.lock().lock();
        Page[] run = new Page[limit];
        int count = 0;
        while (count < limit) {
            @Nullable Page page = object.pages().lookup(index + count);
            if (page == null || !canPut(page)) {
                break;
            }
            run[count++] = page;
        }
        JsonNode result = text("none");
        if (count > 0) {
            PageoutFlush flush = new PageoutFlush();
            session.kernel()
                    .objects()
                    .flush(object, run, count, sync ? PagerFlags.PUT_SYNC : PagerFlags.CLUSTER_OK, 0, flush);
            result = array(number(count), number(flush.written()), number(flush.runLength()), truth(flush.ioError()));
        }
        object.lock().unlock();
        return result;
    }

    private boolean canPut(Page page) {
        if (page.valid() != Page.ALL || page.busied() || page.holdCount() > 0 || page.wireCount() > 0) {
            return false;
        }
        session.kernel().pmaps().removeWrite(page);
        page.testDirty();
        return page.dirty() != 0;
    }
}
