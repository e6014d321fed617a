// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageCounts;
import penumbra.process.Process;

class PageCommandTest {
    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    private Page touched(long pindex) {
        Process process = rig.program("sh", 8);
        rig.touch(process, pindex);
        VmObject object = rig.objectOf(process);
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        object.lock().unlock();
        return page;
    }

    @Test
    void showsTheFieldsOfAPage() {
        Page page = touched(3);
        assertThat(rig.run("page " + page.frame()))
                .isEqualTo(String.format(
                                "page 0x%x: pa 0x%x, o1 index 0x3, queue ACTIVE,", page.frame(), page.frame() << 12)
                        + " act 5, hold 0, wire 0, not busy\n"
                        + "  valid 0xff, dirty 0xff, af 0x1 <WRITEABLE>, of 0x0, f 0x0, memattr 0");
        assertThat(rig.run("page 0x" + Integer.toHexString(page.frame()))).isEqualTo(rig.run("page " + page.frame()));
    }

    @Test
    void showsWhoHoldsAPage() {
        Page page = touched(3);
        VmObject object = (VmObject) page.owner();
        object.lock().lock();
        page.wire();
        page.hold();
        page.xbusy();
        object.lock().unlock();
        assertThat(rig.run("page " + page.frame())).contains("queue NONE, act 5, hold 1, wire 1, exclusive busy\n");
        object.lock().lock();
        page.busyDowngrade();
        page.sbusy();
        object.lock().unlock();
        assertThat(rig.run("page " + page.frame())).contains(", shared busy 2\n");
        object.lock().lock();
        page.sunbusy();
        page.sunbusy();
        page.unhold();
        page.unwire(true);
        object.lock().unlock();
    }

    @Test
    void showsAPageWithoutOwner() {
        Page page = rig.kernel.pages().allocUnowned(Alloc.NOOBJ | Alloc.WIRED);
        assertThat(rig.run("page " + page.frame()))
                .contains(", no owner, queue NONE, ")
                .contains(" wire 1, ");
        page.unwire(false);
        rig.kernel.pages().free(page);
    }

    @Test
    void marksAPageOfALockedObject() throws InterruptedException {
        Page page = touched(3);
        Held.during(page.owner().lock(), () -> {
            assertThat(rig.lines("page " + page.frame())).first().asString().endsWith("not busy (locked)");
        });
    }

    @Test
    void withoutAFrameShowsCountsAndThresholds() {
        touched(3);
        PageCounts counts = rig.kernel.pages().counts();
        int all = rig.kernel.pages().limits().pageCount();
        assertThat(rig.lines("page"))
                .hasSize(3)
                .first()
                .isEqualTo(
                        "pages " + all + ": free " + (all - 1) + ", cache 0, active 1, inactive 0, wired 0, deficit 0");
        assertThat(counts.free()).isEqualTo(all - 1);
        assertThat(rig.run("page"))
                .contains("free_target " + rig.kernel.pages().limits().freeTarget())
                .contains("inactive_target " + rig.kernel.pages().limits().inactiveTarget());
    }

    @Test
    void pageqShowsTheLengthsOfTheQueues() {
        Page page = touched(3);
        int all = rig.kernel.pages().limits().pageCount();
        page.owner().lock().lock();
        page.deactivate();
        page.owner().lock().unlock();
        assertThat(rig.run("pageq"))
                .isEqualTo("free " + (all - 1) + ", cache 0\n"
                        + "active 0, inactive 1, passes 0, laundered 0, policy freebsd10");
    }

    @Test
    void saysWhatWasExpected() {
        assertThat(rig.failure("page 0x7fffffff"))
                .isEqualTo("page: frame 0x7fffffff holds no page; usage: page [FRAME]");
        assertThat(rig.failure("page 0x80000000")).contains("is too large");
        assertThat(rig.failure("page first")).contains("\"first\" is no number");
        assertThat(rig.failure("pageq 1")).contains("too many arguments");
    }
}
