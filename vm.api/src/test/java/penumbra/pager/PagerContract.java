// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.object.ObjectFactory;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.Pages;

/**
 * What any {@link Pager} must do: extend this class and say how to make one, on a machine with real pages and objects
 * whose threads are real, and what it is asked for. The pager must be the one that the machine's pager layer calls,
 * too: objects end through it.
 */
public abstract class PagerContract {
    /** Pages of what the pager is asked for: more than one request fills. */
    protected static final int PAGES = 40;

    /** Pages in the longest request. */
    private static final int MOST = 16;

    private Pager pager;
    private Ground ground;
    private VmObject object;

    /**
     * What a pager stands on.
     *
     * @param pages memory, with at least twice {@link #PAGES} free pages
     * @param memory the bytes of its frames
     * @param objects where objects come from
     */
    public record Ground(Pages pages, PhysicalMemory memory, ObjectFactory objects) {}

    /** Boots a machine and makes the pager on it. */
    protected abstract Pager create() throws Exception;

    /** The machine that {@link #create} booted. */
    protected abstract Ground ground();

    /** What the pager finds or makes an object of {@link #PAGES} pages for; the same whenever it is asked. */
    protected abstract @Nullable Object handle() throws Exception;

    /** What page {@code pindex} must hold as long as nobody has written it. */
    protected abstract byte[] contents(long pindex);

    /** A handle that the pager must refuse; null when it takes whatever it gets. */
    protected @Nullable Object foreignHandle() {
        return new Object();
    }

    /** Whether the pager takes pages that were written. */
    protected boolean writes() {
        return false;
    }

    /** Called with a new object before anything else; for pagers that have only what was written before. */
    protected void prepare(VmObject made) throws Exception {}

    /** Lets go of an object; afterwards nobody refers to it. */
    protected void end(VmObject used) throws Exception {
        used.deallocate();
    }

    /** Gives up what {@link #create} made; checks every invariant of the machine. */
    protected abstract void dispose() throws Exception;

    @BeforeEach
    void makePager() throws Exception {
        pager = create();
        ground = ground();
        object = allocate();
        prepare(object);
    }

    @AfterEach
    void disposeOfPager() throws Exception {
        if (object.lock().isHeld()) {
            object.lock().unlock();
        }
        end(object);
        dispose();
    }

    private @Nullable VmObject allocate(@Nullable Object handle) {
        return pager.allocate(ground.objects(), handle, PageSize.bytes(PAGES), Prot.READ, 0, null);
    }

    private VmObject allocate() throws Exception {
        return Objects.requireNonNull(allocate(handle()), "the pager refused its handle");
    }

    // One request, as the kernel makes it

    /** Allocates pages {@code [first, first + count)} and has them filled for {@code wanted}. Locked. */
    private Page request(long first, int count, long wanted) {
        Page[] run = new Page[count];
        for (int i = 0; i < count; i++) {
            run[i] = Objects.requireNonNull(ground.pages().alloc(object, first + i, Alloc.NORMAL), "no free page");
        }
        return fill(run, (int) (wanted - first));
    }

    private Page fill(Page[] run, int requested) {
        long wanted = run[requested].pindex();
        object.pipAdd(1);
        PagerResult result = pager.getPages(object, run, run.length, requested);
        assertThat(object.lock().isHeld())
                .as("the object's lock after getPages")
                .isTrue();
        object.pipWakeup(1);
        assertThat(result).as("result for page %d", wanted).isEqualTo(PagerResult.OK);
        Page page = Objects.requireNonNull(object.pages().lookup(wanted), "the wanted page is gone");
        assertThat(page).as("the page that the array has").isSameAs(run[requested]);
        assertThat(page.xbusied()).as("page %d is still busy", wanted).isTrue();
        assertThat(page.valid()).as("page %d is valid", wanted).isNotZero();
        assertThat(page.dirty()).as("page %d is clean", wanted).isZero();
        page.zeroInvalid(true);
        return page;
    }

    private byte[] bytes(Page page) {
        byte[] bytes = new byte[PageSize.BYTES];
        ground.memory().read(page.frame(), 0, bytes, 0, bytes.length);
        return bytes;
    }

    private void isRight(Page page) {
        assertThat(bytes(page)).as("page %d", page.pindex()).isEqualTo(contents(page.pindex()));
    }

    private void release(Page page) {
        page.deactivate();
        page.xunbusy();
    }

    /** Empties the object. Locked. */
    private void forgetAll() {
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().first()) {
            ground.pages().free(page);
        }
    }

    // What is asked of every pager

    @Test
    void saysWhoItIs() {
        assertThat(pager.type()).isNotNull().isSameAs(pager.type());
        assertThat(pager.name()).isNotBlank().doesNotContain(" ").isEqualTo(pager.name());
    }

    @Test
    void makesObjectsOfItsType() throws Exception {
        assertThat(object.type()).isEqualTo(pager.type());
        assertThat(object.size()).isGreaterThanOrEqualTo(PAGES);
        assertThat(object.refCount()).isEqualTo(1);
        assertThat(object.pages().count()).isZero();
        assertThat(object.lock().isHeld()).isFalse();
    }

    @Test
    void givesEachCallerAReference() throws Exception {
        VmObject again = allocate();
        if (again == object) {
            assertThat(object.refCount()).isEqualTo(2);
            again.deallocate();
            assertThat(object.refCount()).isEqualTo(1);
        } else {
            assertThat(again.refCount()).isEqualTo(1);
            end(again);
        }
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        @Nullable Object foreign = foreignHandle();
        Assumptions.assumeTrue(foreign != null, "this pager takes any handle");
        assertThat(allocate(foreign)).isNull();
    }

    @Test
    void fillsEveryPage() {
        object.lock().lock();
        for (long pindex = 0; pindex < PAGES; pindex++) {
            Page page = request(pindex, 1, pindex);
            isRight(page);
            release(page);
        }
    }

    @Test
    void fillsRunsAndLetsTheOthersGo() {
        long seed = System.nanoTime();
        System.out.println("fillsRunsAndLetsTheOthersGo: seed " + seed);
        Random random = new Random(seed);
        object.lock().lock();
        for (int round = 0; round < 60; round++) {
            long wanted = random.nextInt(PAGES);
            long has = pager.hasPage(object, wanted);
            long first = wanted - random.nextInt(Math.min(PageRun.before(has), MOST / 2) + 1);
            int after = Math.min(PageRun.after(has), Math.min(MOST / 2, (int) (PAGES - 1 - wanted)));
            int count = (int) (wanted - first) + 1 + random.nextInt(after + 1);
            Page page = request(first, count, wanted);
            isRight(page);
            release(page);
            for (Page other = object.pages().first();
                    other != null;
                    other = object.pages().after(other)) {
                assertThat(other.busied()).as("page %d is busy", other.pindex()).isFalse();
                if (other.valid() == Page.ALL) {
                    isRight(other);
                }
            }
            forgetAll();
        }
    }

    @Test
    void fillsAPageThatIsThereButNotValid() {
        object.lock().lock();
        Page page = request(7, 1, 7);
        page.setValid(0);
        isRight(fill(new Page[] {page}, 0));
        release(Objects.requireNonNull(object.pages().lookup(7)));
    }

    @Test
    void saysWhatItHas() {
        object.lock().lock();
        for (long pindex = 0; pindex < PAGES; pindex++) {
            long has = pager.hasPage(object, pindex);
            assertThat(object.lock().isHeld())
                    .as("the object's lock after hasPage")
                    .isTrue();
            assertThat(PageRun.present(has)).as("page %d", pindex).isTrue();
            assertThat((long) PageRun.before(has)).isBetween(0L, pindex);
            assertThat(PageRun.after(has)).isNotNegative();
        }
        assertThat(pager.hasPage(object, object.size())).isEqualTo(PageRun.NONE);
    }

    @Test
    void leavesAnInterruptToItsThread() {
        object.lock().lock();
        Thread.currentThread().interrupt();
        Page page = request(3, 1, 3);
        assertThat(Thread.interrupted()).as("the thread's interrupt flag").isTrue();
        isRight(page);
        release(page);
        Page next = request(4, 1, 4);
        isRight(next);
        release(next);
    }

    @Test
    void fillsForSeveralThreadsAtOnce() throws Exception {
        int threads = 4;
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        List<Future<?>> ends = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            int mine = thread;
            ends.add(executor.submit(() -> {
                object.lock().lock();
                try {
                    for (long pindex = mine; pindex < PAGES; pindex += threads) {
                        Page page = request(pindex, 1, pindex);
                        isRight(page);
                        release(page);
                        object.lock().unlock();
                        object.lock().lock();
                    }
                } finally {
                    object.lock().unlock();
                }
            }));
        }
        for (Future<?> end : ends) {
            end.get();
        }
        executor.shutdown();
    }

    @Test
    void keepsWhatIsWritten() {
        Assumptions.assumeTrue(writes(), "nothing is ever written to this pager");
        long seed = System.nanoTime();
        System.out.println("keepsWhatIsWritten: seed " + seed);
        Random random = new Random(seed);
        byte[][] written = new byte[4][PageSize.BYTES];
        Page[] run = new Page[written.length];
        object.lock().lock();
        for (int i = 0; i < run.length; i++) {
            random.nextBytes(written[i]);
            run[i] = request(8 + i, 1, 8 + i);
            ground.memory().write(run[i].frame(), 0, written[i], 0, PageSize.BYTES);
            run[i].makeDirty();
            run[i].busyDowngrade();
        }
        object.setWriteableDirty();
        PagerResult[] results = new PagerResult[run.length];
        object.pipAdd(run.length);
        pager.putPages(object, run, run.length, PagerFlags.PUT_SYNC, results);
        assertThat(object.lock().isHeld())
                .as("the object's lock after putPages")
                .isTrue();
        for (int i = 0; i < run.length; i++) {
            assertThat(results[i]).as("result of page %d", 8 + i).isIn(PagerResult.OK, PagerResult.PEND);
            if (results[i] == PagerResult.OK) {
                assertThat(run[i].sharedBusy())
                        .as("page %d is the caller's", 8 + i)
                        .isEqualTo(1);
                run[i].undirty();
                run[i].sunbusy();
                object.pipWakeup(1);
            }
        }
        object.pipWait("written");
        for (Page page : run) {
            assertThat(page.busied()).isFalse();
            assertThat(page.dirty()).isZero();
        }
        forgetAll();
        for (int i = 0; i < run.length; i++) {
            Page page = request(8 + i, 1, 8 + i);
            assertThat(bytes(page)).as("page %d", 8 + i).isEqualTo(written[i]);
            release(page);
        }
        Page untouched = request(12, 1, 12);
        isRight(untouched);
        release(untouched);
    }
}
