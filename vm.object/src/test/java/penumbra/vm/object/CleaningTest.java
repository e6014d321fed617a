// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.PageoutFlush;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;
import penumbra.pager.FilePager.Put;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;
import penumbra.vnode.HeapFile;
import penumbra.vnode.Vnode;

/** vm_object_page_clean, page_collect_flush, page_remove_write and vm_pageout_flush. */
class CleaningTest {
    private static final int ASYNC = PagerFlags.CLUSTER_OK;
    private static final int SYNC = PagerFlags.PUT_SYNC;

    private Rig rig = Rig.stepped(Fidelity.CORRECTED);
    private HeapFile contents;
    private Vnode file;
    private MemoryObject object;

    @BeforeEach
    void openFile() {
        contents = new HeapFile(40);
        file = rig.file(contents);
        object = rig.fileObject(file);
    }

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private void boot(Fidelity fidelity) {
        rig.close();
        rig = Rig.stepped(fidelity);
        openFile();
    }

    private boolean clean(long start, long end, int flags) {
        file.lock().lock();
        object.lock().lock();
        boolean written = object.pageClean(start, end, flags);
        object.lock().unlock();
        file.lock().unlock();
        return written;
    }

    private void dirty(long... indexes) {
        for (long index : indexes) {
            rig.fill(object, index, (int) index + 10);
        }
    }

    @Test
    void cleanWritesRunsOfDirtyPages() {
        dirty(1, 2, 3, 7, 9, 10);
        rig.fill(object, 4, 14, false);

        assertThat(clean(0, 0, 0)).isTrue();

        assertThat(rig.files.puts).containsExactly(new Put(1, 3, ASYNC), new Put(7, 1, ASYNC), new Put(9, 2, ASYNC));
        assertThat(contents.contents[3 * 4096]).isEqualTo((byte) 13);
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void cleanWritesNoMoreThanOneClusterAtOnce() {
        int cluster = rig.pages.limits().pageoutPageCount();
        for (int i = 0; i < cluster + 2; i++) {
            dirty(i);
        }

        clean(0, 0, 0);

        assertThat(rig.files.puts).containsExactly(new Put(0, cluster, ASYNC), new Put(cluster, 2, ASYNC));
    }

    @Test
    void cleanOfARangeTakesNeighboursAlongAndLeavesTheFlag() {
        dirty(1, 2, 3, 4, 9);

        clean(3, 4, 0);

        assertThat(rig.files.puts).containsExactly(new Put(1, 4, ASYNC));
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    @Test
    void cleanFlagsBecomePagerFlags() {
        dirty(0);
        clean(0, 0, ObjectFlags.CLEAN_SYNC);
        dirty(0);
        clean(0, 0, ObjectFlags.CLEAN_INVAL);

        assertThat(rig.files.puts).containsExactly(new Put(0, 1, SYNC), new Put(0, 1, SYNC | PagerFlags.PUT_INVAL));
    }

    @Test
    void cleanPassesOverWhatCannotBeDirty() {
        MemoryObject memory = rig.anonymous(4);
        rig.fill(memory, 0, 1);
        rig.locked(memory, () -> assertThat(memory.pageClean(0, 0, 0)).isTrue());

        rig.fill(object, 0, 1, false);
        assertThat(clean(0, 0, 0)).isTrue();

        assertThat(rig.files.puts).isEmpty();
    }

    @Test
    void cleanSkipsInvalidPages() {
        dirty(0);
        rig.invalid(object, 1);

        clean(0, 0, 0);

        assertThat(rig.files.puts).containsExactly(new Put(0, 1, ASYNC));
    }

    @Test
    void cleanFindsWhatOnlyTheHardwareKnows() {
        Page page = rig.fill(object, 5, 15, false);
        rig.locked(object, object::setWriteableDirty);
        rig.map(page, 256, false);
        assertThat(page.dirty()).isZero();

        clean(0, 0, 0);

        assertThat(rig.files.puts).containsExactly(new Put(5, 1, ASYNC));
        assertThat(page.writeable()).isFalse();
    }

    @Test
    void cleanCanLeaveNosyncPagesAlone() {
        dirty(1, 2, 3);
        Page page = rig.lookup(object, 2);
        rig.locked(object, () -> page.setOflags(PageFlags.O_NOSYNC));

        clean(0, 0, ObjectFlags.CLEAN_NOSYNC);

        assertThat(rig.files.puts).containsExactly(new Put(1, 1, ASYNC), new Put(3, 1, ASYNC));
        assertThat(page.dirty()).isEqualTo(Page.ALL);
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    @Test
    void cleanTakesNoBusyNeighboursAlong() {
        dirty(1, 2, 3);
        Page before = rig.lookup(object, 1);
        Page after = rig.lookup(object, 3);
        rig.locked(object, () -> {
            before.sbusy();
            after.sbusy();
        });

        clean(2, 3, 0);

        assertThat(rig.files.puts).containsExactly(new Put(2, 1, ASYNC));
        rig.locked(object, () -> {
            before.sunbusy();
            after.sunbusy();
        });
    }

    @Test
    void cleanLeavesPagesOnTheirQueues() {
        dirty(1);
        Page page = rig.lookup(object, 1);
        rig.locked(object, page::deactivate);

        clean(0, 0, 0);

        assertThat(page.queue()).isEqualTo(QueueId.INACTIVE);
    }

    @Test
    void cleanWaitsForBusyPages() {
        dirty(1);
        Page page = rig.lookup(object, 1);
        rig.locked(object, page::xbusy);

        rig.assertThrown(() -> clean(0, 0, 0)).isInstanceOf(WouldBlock.class).hasMessageContaining("vpcwai");
    }

    @Test
    void defect18AFailedWriteIsReportedAndThePageStaysDirty() {
        dirty(1, 2, 5);
        rig.files.answers.addAll(List.of(PagerResult.OK, PagerResult.ERROR));

        assertThat(clean(0, 0, ObjectFlags.CLEAN_SYNC)).isFalse();

        assertThat(rig.lookup(object, 1).dirty()).isZero();
        assertThat(rig.lookup(object, 2).dirty()).isEqualTo(Page.ALL);
        assertThat(rig.lookup(object, 5).dirty()).isZero();
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect18AWriteThatIsPutOffForEverIsReportedToo(Fidelity fidelity) {
        boot(fidelity);
        dirty(1, 2);
        rig.files.answers.addAll(List.of(PagerResult.AGAIN, PagerResult.AGAIN, PagerResult.AGAIN));

        assertThat(clean(0, 0, ObjectFlags.CLEAN_SYNC)).isEqualTo(!fidelity.corrected());

        assertThat(rig.lookup(object, 1).dirty()).isEqualTo(Page.ALL);
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    @Test
    void aRunThatIsCutShortGoesOnWhereItWasCut() {
        dirty(1, 2, 3);
        rig.files.answers.addAll(List.of(PagerResult.OK, PagerResult.AGAIN, PagerResult.AGAIN));

        assertThat(clean(0, 0, 0)).isTrue();

        assertThat(rig.files.puts).containsExactly(new Put(1, 3, ASYNC), new Put(2, 2, ASYNC));
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect19ASynchronousCleanEndsUnderAWriter(Fidelity fidelity) {
        boot(fidelity);
        dirty(1, 3);
        rig.files.duringWrite = () -> {
            if (rig.files.puts.size() == 2) {
                rig.fill(object, 0, 99);
            }
        };

        assertThat(clean(0, 0, ObjectFlags.CLEAN_SYNC)).isTrue();

        if (fidelity.corrected()) {
            // Pages 1 and 3 were dirty when it began; page 0 became so behind it, which the flag remembers.
            assertThat(rig.files.puts).containsExactly(new Put(1, 1, SYNC), new Put(3, 1, SYNC));
            assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
        } else {
            assertThat(rig.files.puts).containsExactly(new Put(1, 1, SYNC), new Put(3, 1, SYNC), new Put(0, 1, SYNC));
            assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
        }
    }

    @Test
    void anAsynchronousCleanKeepsTheFlagUnderAWriter() {
        dirty(1);
        rig.files.duringWrite = () -> rig.locked(object, object::setWriteableDirty);

        clean(0, 0, 0);

        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    // vm_pageout_flush

    private PageoutFlush flush(int requested, PagerResult... answers) {
        Page[] run = new Page[answers.length];
        for (int i = 0; i < run.length; i++) {
            dirty(i);
            run[i] = rig.lookup(object, i);
            rig.locked(object, run[i]::deactivate);
        }
        rig.files.answers.addAll(List.of(answers));
        PageoutFlush result = new PageoutFlush();
        rig.locked(object, () -> rig.core.flush(object, run, run.length, SYNC, requested, result));
        return result;
    }

    @Test
    void flushSettlesEachAnswer() {
        PageoutFlush result = flush(0, PagerResult.OK, PagerResult.BAD, PagerResult.FAIL, PagerResult.ERROR);

        assertThat(result.written()).isEqualTo(1);
        assertThat(result.runLength()).isEqualTo(4);
        assertThat(result.ioError()).isTrue();
        assertThat(rig.lookup(object, 1).dirty()).isZero();
        assertThat(rig.lookup(object, 1).queue()).isEqualTo(QueueId.INACTIVE);
        assertThat(rig.lookup(object, 2).dirty()).isEqualTo(Page.ALL);
        assertThat(rig.lookup(object, 2).queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(rig.lookup(object, 3).queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(object.pagingInProgress()).isZero();
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void flushCountsTheRunFromTheRequestedPage() {
        PageoutFlush result = flush(2, PagerResult.AGAIN, PagerResult.ERROR, PagerResult.OK, PagerResult.AGAIN);

        assertThat(result.written()).isEqualTo(1);
        assertThat(result.runLength()).isEqualTo(1);
        assertThat(result.ioError()).isFalse();
    }

    @Test
    void flushSeesNoErrorBehindTheEndOfTheRun() {
        PageoutFlush result = flush(0, PagerResult.AGAIN, PagerResult.ERROR);

        assertThat(result.runLength()).isZero();
        assertThat(result.ioError()).isFalse();
    }

    @Test
    void flushLeavesPendingPagesToThePager() {
        PageoutFlush result = flush(0, PagerResult.PEND, PagerResult.OK);

        assertThat(result.written()).isEqualTo(2);
        assertThat(rig.lookup(object, 0).sharedBusy()).isEqualTo(1);
        assertThat(object.pagingInProgress()).isEqualTo(1);
        rig.locked(object, () -> {
            rig.lookupLocked(object, 0).sunbusy();
            object.pipWakeup(1);
        });
    }

    @Test
    void flushCachesWhatItWroteWhenMemoryIsShort() {
        dirty(0);
        Page page = rig.lookup(object, 0);
        Page[] run = {page};
        while (!rig.pages.counts().severe()) {
            rig.pages.allocUnowned(Alloc.INTERRUPT);
        }

        rig.locked(object, () -> {
            rig.core.flush(object, run, 1, SYNC, 0, new PageoutFlush());
            assertThat(rig.pages.isCached(object, 0)).isTrue();
        });
    }

    @Test
    void flushWriteProtectsFirst() {
        dirty(0);
        Page page = rig.lookup(object, 0);
        var pmap = rig.map(page, 256, false);
        Page[] run = {page};

        rig.locked(object, () -> rig.core.flush(object, run, 1, SYNC, 0, new PageoutFlush()));

        assertThat(pmap.protection(PageSize.bytes(256)) & penumbra.hw.Prot.WRITE)
                .isZero();
    }

    @Test
    void flushPanicsOnPartiallyValidPages() {
        dirty(0);
        Page page = rig.lookup(object, 0);
        Page[] run = {page};
        rig.locked(object, () -> page.setValid(1));

        rig.assertThrown(() -> rig.locked(object, () -> rig.core.flush(object, run, 1, SYNC, 0, new PageoutFlush())))
                .isInstanceOf(KernelPanic.class)
                .hasMessageContaining("partially invalid");
    }
}
