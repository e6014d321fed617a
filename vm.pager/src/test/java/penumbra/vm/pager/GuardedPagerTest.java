// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.account.Cred;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;

class GuardedPagerTest {
    /** The common pool may have a single thread, which the first task that waits would keep from the second. */
    private static final Executor OWN_THREAD = task -> new Thread(task).start();

    private TestKernel kernel = TestKernel.stepped(512, Fidelity.CORRECTED);

    @AfterEach
    void shutDown() {
        kernel.close();
    }

    /** Keeps its contract, as tests then do not. */
    private class Plain implements Pager {
        private final String name;

        Plain(String name) {
            this.name = name;
        }

        @Override
        public ObjectType type() {
            return ObjectType.VNODE;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public @Nullable VmObject allocate(
                ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred c) {
            return objects.allocate(ObjectType.VNODE, bytes >>> 12);
        }

        @Override
        public void deallocate(VmObject object) {
            object.setType(ObjectType.DEAD);
        }

        @Override
        public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
            for (int i = 0; i < count; i++) {
                kernel.stamp(pages[i], 40 + pages[i].pindex());
                pages[i].setValid(Page.ALL);
                if (i != requested) {
                    pages[i].deactivate();
                    pages[i].xunbusy();
                }
            }
            return PagerResult.OK;
        }

        @Override
        public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
            for (int i = 0; i < count; i++) {
                pages[i].undirty();
                results[i] = PagerResult.OK;
            }
        }

        @Override
        public long hasPage(VmObject object, long pindex) {
            return PageRun.of((int) Math.min(pindex, 2), 2);
        }
    }

    private TestObject object() {
        return kernel.object(ObjectType.VNODE, 16);
    }

    private String state(String name) {
        return kernel.layer.pagers().status().stream()
                .filter(line -> line.name().equals(name))
                .findFirst()
                .orElseThrow()
                .state();
    }

    @Test
    void passesOnWhatIsRight() {
        kernel.layer.add(new Plain("right"), 0);
        TestObject object = object();
        assertThat(kernel.read(object, 5)).isEqualTo(45);
        assertThat(state("right")).isEqualTo("active");
        object.lock().lock();
        assertThat(object.pages().count()).isEqualTo(5);
        object.lock().unlock();
        assertThat(kernel.layer.pagers().allocate(ObjectType.VNODE, this, 8192, 1, 0, null))
                .isNotNull();
    }

    @Test
    void zeroesWhatIsNotValid() {
        kernel.layer.add(
                new Plain("partial") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        super.getPages(object, pages, count, requested);
                        pages[requested].setValid(0x0f);
                        return PagerResult.OK;
                    }
                },
                0);
        TestObject object = object();
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.OK);
        object.lock().lock();
        Page page = object.pages().lookup(5);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(kernel.memory.load(page.frame(), 2040, 8)).isEqualTo(45);
        assertThat(kernel.memory.load(page.frame(), 2048, 8)).isZero();
        object.lock().unlock();
    }

    @Test
    void anExceptionBecomesAnErrorWithThePagesAsTheyWere() {
        boolean[] throwing = {true};
        kernel.layer.add(
                new Plain("thrower") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        pages[0].setValid(3);
                        pages[0].xunbusy();
                        pages[requested].setValid(Page.ALL);
                        if (throwing[0]) {
                            object.lock().unlock();
                            throw new IllegalStateException("in the middle");
                        }
                        pages[0].tryXbusy();
                        return super.getPages(object, pages, count, requested);
                    }
                },
                0);
        TestObject object = object();
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.ERROR);
        object.lock().lock();
        assertThat(object.pages().count())
                .as("page 3, which was unbusied before, and nothing else")
                .isEqualTo(1);
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            assertThat(page.busied()).isFalse();
        }
        object.lock().unlock();
        assertThat(state("thrower")).as("an exception alone does not park").isEqualTo("active");
        throwing[0] = false;
        assertThat(kernel.read(object, 8)).isEqualTo(48);
    }

    /** Puts a page of its own, busy, where the requested one was, and does not tell. */
    private void putAnotherBusyPageThere(VmObject object, Page requested) {
        long pindex = requested.pindex();
        Page other = Objects.requireNonNull(kernel.pages.allocUnowned(Alloc.NORMAL | Alloc.NOOBJ));
        kernel.pages.free(requested);
        assertThat(kernel.pages.insert(other, object, pindex)).isTrue();
        other.xbusy();
    }

    @Test
    void aBusyPageThatAPagerLeftInThePlaceOfTheRequestedOneHoldsUpNobody() {
        kernel.layer.add(
                new Plain("thrower") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        putAnotherBusyPageThere(object, pages[requested]);
                        throw new IllegalStateException("and leaves it behind");
                    }
                },
                0);
        TestObject object = object();
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.ERROR);
        object.lock().lock();
        assertThat(object.pages().count()).isZero();
        object.lock().unlock();
    }

    @Test
    void aBusyPageInThePlaceOfTheRequestedOneIsWaitedForAsLongAsACallMayTake() {
        kernel.close();
        kernel = TestKernel.threaded(512);
        kernel.layer.setLimits(0, 20);
        kernel.layer.add(
                new Plain("forgetful") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        putAnotherBusyPageThere(object, pages[requested]);
                        return PagerResult.OK;
                    }
                },
                0);
        TestObject object = object();
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.ERROR);
        assertThat(state("forgetful")).isEqualTo("parked");
        object.lock().lock();
        assertThat(object.pages().count()).isZero();
        object.lock().unlock();
    }

    @Test
    void theEndOfTheMachinePasses() {
        kernel.layer.add(
                new Plain("panics") {
                    @Override
                    public long hasPage(VmObject object, long pindex) {
                        throw new KernelPanic("no %s", "way");
                    }
                },
                0);
        TestObject object = object();
        object.lock().lock();
        assertThatThrownBy(() -> kernel.layer.pagers().hasPage(object, 0)).isInstanceOf(KernelPanic.class);
        object.lock().unlock();
    }

    @Test
    void aPageLeftBusyIsFoundAndItsPagerParked() {
        kernel.layer.add(new Plain("right"), 0);
        kernel.layer.add(
                new Plain("sloppy") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        pages[requested].setValid(Page.ALL);
                        return PagerResult.OK;
                    }
                },
                1);
        TestObject object = object();
        assertThat(state("sloppy")).isEqualTo("active");
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.ERROR);
        object.lock().lock();
        assertThat(object.pages().count()).isZero();
        object.lock().unlock();
        assertThat(state("sloppy")).isEqualTo("parked");
        assertThat(state("right")).isEqualTo("active");
        assertThat(kernel.read(object, 5)).isEqualTo(45);
    }

    @Test
    void aPageUnbusiedTooManyIsFound() {
        kernel.layer.add(
                new Plain("generous") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        PagerResult result = super.getPages(object, pages, count, requested);
                        pages[requested].xunbusy();
                        return result;
                    }
                },
                1);
        TestObject object = object();
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.ERROR);
        assertThat(state("generous")).isEqualTo("parked");
    }

    @Test
    void okWithoutAByteIsFound() {
        kernel.layer.add(
                new Plain("empty") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        super.getPages(object, pages, count, requested);
                        pages[requested].setValid(0);
                        return PagerResult.OK;
                    }
                },
                1);
        assertThat(kernel.get(object(), 5)).isEqualTo(PagerResult.ERROR);
        assertThat(state("empty")).isEqualTo("parked");
    }

    @Test
    void aForgottenLockIsTakenAgain() {
        kernel.layer.add(
                new Plain("unlocker") {
                    @Override
                    public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                        PagerResult result = super.getPages(object, pages, count, requested);
                        object.lock().unlock();
                        return result;
                    }
                },
                1);
        assertThat(kernel.read(object(), 5)).isEqualTo(45);
        assertThat(state("unlocker")).isEqualTo("parked");
    }

    @Test
    void missingResultsOfAPageOutAreErrors() {
        kernel.layer.add(
                new Plain("silent") {
                    @Override
                    public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
                        results[0] = PagerResult.OK;
                    }
                },
                1);
        TestObject object = object();
        kernel.fill(object, 0, 1);
        kernel.fill(object, 1, 2);
        assertThat(kernel.flush(object, 0, 2, 0)).containsExactly(PagerResult.OK, PagerResult.ERROR);
        assertThat(state("silent")).isEqualTo("parked");
        assertThat(object.pagingInProgress()).isZero();
    }

    @Test
    void anExceptionInAPageOutLeavesPagesDirty() {
        kernel.layer.add(
                new Plain("thrower") {
                    @Override
                    public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
                        results[0] = PagerResult.PEND;
                        throw new IllegalStateException("in the middle");
                    }
                },
                1);
        TestObject object = object();
        kernel.fill(object, 0, 1);
        kernel.fill(object, 1, 2);
        assertThat(kernel.flush(object, 0, 2, 0)).containsOnly(PagerResult.ERROR);
        object.lock().lock();
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            assertThat(page.busied()).isFalse();
            assertThat(page.dirty()).isEqualTo(Page.ALL);
        }
        object.lock().unlock();
    }

    @Test
    void withoutAPagerNoZeroPageIsServed() {
        TestObject object = object();
        kernel.fill(object, 0, 1);
        object.lock().lock();
        assertThat(PageRun.present(kernel.layer.pagers().hasPage(object, 5))).isTrue();
        object.lock().unlock();
        assertThat(kernel.get(object, 5)).isEqualTo(PagerResult.ERROR);
        assertThat(kernel.flush(object, 0, 1, 0)).containsOnly(PagerResult.AGAIN);
        assertThat(kernel.flush(object, 0, 1, PagerFlags.PUT_SYNC)).containsOnly(PagerResult.ERROR);
        assertThat(kernel.layer.pagers().allocate(ObjectType.VNODE, this, 8192, 1, 0, null))
                .isNull();
        object.deallocate();
        assertThat(object.type()).isEqualTo(ObjectType.DEAD);
    }

    @Test
    void aReaderWaitsForItsPagerToComeBack() throws Exception {
        kernel.close();
        kernel = TestKernel.threaded(512);
        kernel.layer.setLimits(60_000, 60_000);
        TestObject object = object();
        CompletableFuture<Long> reader = CompletableFuture.supplyAsync(() -> kernel.read(object, 5), OWN_THREAD);
        while (kernel.layer.pagers().status().isEmpty()) {
            assertThat(reader).isNotDone();
            kernel.layer.add(new Plain("late"), 0);
        }
        assertThat(reader.get()).isEqualTo(45);
    }

    @Test
    void aPagerLeavesOnlyWhenNobodyIsInIt() throws Exception {
        kernel.close();
        kernel = TestKernel.threaded(512);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Plain slow = new Plain("slow") {
            @Override
            public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
                object.lock().unlock();
                inside.countDown();
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                object.lock().lock();
                return super.getPages(object, pages, count, requested);
            }
        };
        kernel.layer.add(slow, 0);
        TestObject object = object();
        CompletableFuture<Long> reader = CompletableFuture.supplyAsync(() -> kernel.read(object, 5), OWN_THREAD);
        inside.await();
        kernel.layer.add(new Plain("next"), 0);
        CompletableFuture<Void> leaving = CompletableFuture.runAsync(() -> kernel.layer.remove(slow), OWN_THREAD);
        while (state("next").equals("candidate")) {
            Thread.onSpinWait();
        }
        assertThat(kernel.read(object, 9)).as("the next one serves already").isEqualTo(49);
        assertThat(leaving).isNotDone();
        go.countDown();
        leaving.get();
        assertThat(reader.get()).isEqualTo(45);
        assertThat(state("next")).isEqualTo("active");
    }

    @Test
    void aCallThatTakesTooLongParksThePager() {
        kernel.close();
        kernel = TestKernel.threaded(512);
        kernel.layer.setLimits(0, 0);
        kernel.layer.add(new Plain("slow"), 0);
        assertThat(kernel.read(object(), 5)).as("late, but right").isEqualTo(45);
        assertThat(state("slow")).isEqualTo("parked");
    }

    @Test
    void ownTypesCannotBeTakenOver() {
        assertThatThrownBy(() -> kernel.layer.add(
                        new Plain("usurper") {
                            @Override
                            public ObjectType type() {
                                return ObjectType.SWAP;
                            }
                        },
                        0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
