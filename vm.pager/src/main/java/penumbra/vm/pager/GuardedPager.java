// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.account.Cred;
import penumbra.hw.Machine;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;
import penumbra.vm.pager.PagerSlot.Candidate;

/**
 * The wall around foreign pagers of one type. An exception out of one becomes {@link PagerResult#ERROR}, with the pages
 * as they were; one that breaks its contract is named and parked. While there is none, nothing is lost and no zero page
 * is served in its place: reads wait up to a limit and fail, writes are put off.
 */
final class GuardedPager implements Pager {
    private static final Logger LOG = LoggerFactory.getLogger(GuardedPager.class);

    private final PagerSlot slot;
    private final Pages pages;
    private final PagerLimits limits;
    private final PageClaim claim;

    GuardedPager(PagerSlot slot, Machine machine, Pages pages, PagerLimits limits) {
        this.slot = slot;
        this.pages = pages;
        this.claim = new PageClaim(machine, pages, limits);
        this.limits = limits;
    }

    @Override
    public ObjectType type() {
        return slot.type();
    }

    @Override
    public String name() {
        return slot.type().name().toLowerCase(Locale.ROOT);
    }

    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        @Nullable Candidate candidate = slot.enter();
        if (candidate == null) {
            return null;
        }
        try {
            return candidate.pager.allocate(objects, handle, bytes, prot, offset, cred);
        } catch (Throwable e) {
            report(candidate, "allocate", e);
            return null;
        } finally {
            slot.leave(candidate);
        }
    }

    @Override
    public void deallocate(VmObject object) {
        @Nullable Candidate candidate = enter(object, limits.absentNanos());
        if (candidate != null) {
            try {
                candidate.pager.deallocate(object);
            } catch (Throwable e) {
                report(candidate, "deallocate", e);
            } finally {
                relock(object);
                slot.leave(candidate);
            }
        }
        if (object.type() != ObjectType.DEAD) {
            object.pipWait("pgrdea");
            object.setHandle(null);
            object.setType(ObjectType.DEAD);
        }
    }

    // Page-in

    @Override
    public PagerResult getPages(VmObject object, Page[] run, int count, int requested) {
        @Nullable Candidate candidate = enter(object, limits.absentNanos());
        if (candidate == null) {
            DeadPager.nothing(pages, run, count, requested);
            return PagerResult.ERROR;
        }
        PagesGiven given = new PagesGiven(pages, claim, object, run, count, requested);
        @Nullable PagerResult result = null;
        @Nullable String breach = null;
        long start = System.nanoTime();
        try {
            result = candidate.pager.getPages(object, run, count, requested);
            if (!object.lock().isHeld()) {
                breach = "returned from getPages without the object's lock";
            }
        } catch (Throwable e) {
            report(candidate, "getPages", e);
        } finally {
            relock(object);
            slot.leave(candidate);
        }
        if (result == null) {
            given.takeBack();
            return PagerResult.ERROR;
        }
        String wrong = given.check(result);
        breach = wrong != null ? wrong : breach;
        if (breach == null && System.nanoTime() - start > limits.callNanos()) {
            breach = "took longer than its limit for getPages";
        }
        if (breach != null) {
            slot.park(candidate, breach);
        }
        return wrong == null ? result : PagerResult.ERROR;
    }

    // Page-out

    @Override
    public void putPages(VmObject object, Page[] run, int count, int flags, PagerResult[] results) {
        boolean wait = (flags & PagerFlags.PUT_SYNC) != 0;
        @Nullable Candidate candidate = enter(object, wait ? limits.absentNanos() : 0);
        if (candidate == null) {
            Arrays.fill(results, 0, count, wait ? PagerResult.ERROR : PagerResult.AGAIN);
            return;
        }
        @Nullable PagerResult[] answers = results;
        Arrays.fill(answers, 0, count, null);
        Page[] given = Arrays.copyOf(run, count);
        @Nullable String breach = null;
        boolean threw = false;
        long start = System.nanoTime();
        try {
            candidate.pager.putPages(object, run, count, flags, results);
            if (!object.lock().isHeld()) {
                breach = "returned from putPages without the object's lock";
            }
        } catch (Throwable e) {
            report(candidate, "putPages", e);
            threw = true;
        } finally {
            relock(object);
            slot.leave(candidate);
        }
        for (int i = 0; i < count; i++) {
            if (answers[i] == null) {
                breach = threw ? breach : "gave no result for page " + given[i].pindex();
                answers[i] = PagerResult.ERROR;
            } else if (threw && answers[i] == PagerResult.PEND && given[i].sharedBusy() > 0) {
                answers[i] = PagerResult.ERROR;
            }
        }
        if (breach == null && System.nanoTime() - start > limits.callNanos()) {
            breach = "took longer than its limit for putPages";
        }
        if (breach != null) {
            slot.park(candidate, breach);
        }
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        @Nullable Candidate candidate = slot.enter();
        if (candidate == null) {
            // It may have the page: whoever asks for it gets an error, not zeroes.
            return PageRun.of(0, 0);
        }
        long has = PageRun.of(0, 0);
        try {
            has = candidate.pager.hasPage(object, pindex);
        } catch (Throwable e) {
            report(candidate, "hasPage", e);
        } finally {
            relock(object);
            slot.leave(candidate);
        }
        if (PageRun.present(has) && (PageRun.before(has) > pindex || PageRun.after(has) < 0)) {
            slot.park(candidate, "has " + PageRun.before(has) + " pages before page " + pindex);
            return PageRun.of(0, 0);
        }
        return has;
    }

    @Override
    public void pageUnswapped(Page page) {
        @Nullable Candidate candidate = slot.enter();
        if (candidate == null) {
            return;
        }
        try {
            candidate.pager.pageUnswapped(page);
        } catch (Throwable e) {
            report(candidate, "pageUnswapped", e);
        } finally {
            slot.leave(candidate);
        }
    }

    /** The active provider; drops the object's lock while it waits for one. */
    private @Nullable Candidate enter(VmObject object, long nanos) {
        object.lock().assertHeld();
        @Nullable Candidate candidate = slot.enter();
        if (candidate == null && nanos > 0) {
            object.lock().unlock();
            candidate = slot.await(nanos);
            object.lock().lock();
        }
        return candidate;
    }

    private static void relock(VmObject object) {
        if (!object.lock().isHeld()) {
            object.lock().lock();
        }
    }

    /** Logs what a provider threw, unless it is the end of the machine or of the JVM. */
    private static void report(Candidate candidate, String call, Throwable thrown) {
        if (thrown instanceof KernelPanic || thrown instanceof WouldBlock || thrown instanceof VirtualMachineError) {
            throw (Error) thrown;
        }
        LOG.error("pager {} threw in {}", candidate.name, call, thrown);
    }
}
