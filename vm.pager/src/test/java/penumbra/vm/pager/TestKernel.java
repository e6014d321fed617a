// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.kern.Witness;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.PageRun;
import penumbra.pager.PagerResult;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pmap.PmapLayer;

/** A machine with real memory, pages and pagers, up to the pager layer. */
final class TestKernel implements ObjectFactory, AutoCloseable {
    final FrameMemory memory;
    final SimMachine machine;
    final PmapLayer pmaps;
    final PageSystem pages;
    final PagerLayer layer;
    private final AtomicLong ids = new AtomicLong();

    private TestKernel(int frames, MachineSettings settings) {
        Witness.forget();
        memory = new FrameMemory(MemoryLayout.ofFrames(frames));
        machine = new SimMachine(memory, settings);
        pmaps = new PmapLayer(machine, memory, new Amd64Mmu(), false);
        pages = new PageSystem(memory, machine, pmaps);
        layer = new PagerLayer(machine, memory, pages);
        layer.pagers().setObjectFactory(this);
    }

    static TestKernel stepped(int frames, Fidelity fidelity) {
        return new TestKernel(frames, MachineSettings.stepped(fidelity));
    }

    static TestKernel threaded(int frames) {
        return new TestKernel(frames, MachineSettings.threaded(1));
    }

    @Override
    public VmObject allocate(ObjectType type, long size) {
        return object(type, size);
    }

    @Override
    public VmObject named(ObjectType type, Object handle, long size) {
        VmObject object = object(type, size);
        object.setHandle(handle);
        return object;
    }

    TestObject object(ObjectType type, long size) {
        return new TestObject(machine, pages, layer.pagers(), ids.incrementAndGet(), type, size);
    }

    /** Makes a page resident, valid, dirty and active, every long of it {@code tag}. */
    void fill(TestObject object, long pindex, long tag) {
        object.lock().lock();
        Page page = pages.grab(object, pindex, Alloc.NORMAL);
        stamp(page, tag);
        page.setValid(Page.ALL);
        page.makeDirty();
        page.activate();
        layer.pagers().pageUnswapped(page);
        page.xunbusy();
        object.lock().unlock();
    }

    void stamp(Page page, long tag) {
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            memory.store(page.frame(), at, Long.BYTES, tag);
        }
    }

    /** What all longs of the page are; fails when they differ. */
    long tag(Page page) {
        long tag = memory.load(page.frame(), 0, Long.BYTES);
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            if (memory.load(page.frame(), at, Long.BYTES) != tag) {
                assertThat(memory.load(page.frame(), at, Long.BYTES))
                        .as("mixed page at %d", at)
                        .isEqualTo(tag);
            }
        }
        return tag;
    }

    /**
     * Writes adjacent resident pages out, as the page daemon does, and settles what the pager left; null for busy ones.
     */
    PagerResult @Nullable [] flush(TestObject object, long pindex, int count, int flags) {
        PagerResult[] results = new PagerResult[count];
        object.lock().lock();
        Page[] run = new Page[count];
        for (int i = 0; i < count; i++) {
            @Nullable Page page = object.pages().lookup(pindex + i);
            if (page == null || page.busied() || page.dirty() == 0) {
                object.lock().unlock();
                return null;
            }
            run[i] = page;
        }
        for (Page page : run) {
            page.sbusy();
            pmaps.removeWrite(page);
        }
        object.pipAdd(count);
        layer.pagers().putPages(object, run, count, flags, results);
        for (int i = 0; i < count; i++) {
            if (results[i] != PagerResult.PEND) {
                if (results[i] != PagerResult.AGAIN) {
                    run[i].activate();
                }
                object.pipWakeup(1);
                run[i].sunbusy();
            }
        }
        object.lock().unlock();
        return results;
    }

    /** Writes pages out and waits; all must be under way or done. */
    void flushAll(TestObject object, long pindex, int count) {
        PagerResult[] results = flush(object, pindex, count, penumbra.pager.PagerFlags.PUT_SYNC);
        assertThat(results).isNotNull().containsOnly(PagerResult.PEND);
    }

    /** Frees a page from memory, whatever its state. */
    void evict(TestObject object, long pindex) {
        object.lock().lock();
        @Nullable Page page = object.pages().lookup(pindex);
        if (page != null) {
            pages.free(page);
        }
        object.lock().unlock();
    }

    /**
     * An object with so many pages in swap, one by one, and none in memory; each is full of {@code tag} and its index.
     */
    TestObject swapped(int count, long tag) {
        TestObject object = object(ObjectType.DEFAULT, count);
        for (long p = 0; p < count; p++) {
            fill(object, p, tag + p);
            flushAll(object, p, 1);
            evict(object, p);
        }
        return object;
    }

    /** Brings a page in, with neighbours as the pager offers, and returns what the pager said. */
    PagerResult get(TestObject object, long pindex) {
        object.lock().lock();
        try {
            Page page = pages.grab(object, pindex, Alloc.NORMAL);
            if (page.valid() == Page.ALL) {
                page.xunbusy();
                return PagerResult.OK;
            }
            long has = layer.pagers().hasPage(object, pindex);
            int before = PageRun.present(has) ? PageRun.before(has) : 0;
            int after = PageRun.present(has) ? PageRun.after(has) : 0;
            Page[] run = new Page[before + 1 + after];
            run[before] = page;
            int first = before;
            while (first > 0 && place(object, run, first - 1, pindex - before)) {
                first--;
            }
            int end = before + 1;
            while (end < run.length && place(object, run, end, pindex - before)) {
                end++;
            }
            Page[] taken = Arrays.copyOfRange(run, first, end);
            PagerResult result = layer.pagers().getPages(object, taken, taken.length, before - first);
            if (result == PagerResult.OK) {
                page.activate();
                page.xunbusy();
            } else {
                pages.free(taken[before - first]);
            }
            return result;
        } finally {
            object.lock().unlock();
        }
    }

    private boolean place(TestObject object, Page[] run, int i, long base) {
        if (object.pages().lookup(base + i) != null) {
            return false;
        }
        @Nullable Page page = pages.alloc(object, base + i, Alloc.NORMAL);
        if (page != null) {
            run[i] = page;
        }
        return page != null;
    }

    /** Brings a page in and returns what is in it. */
    long read(TestObject object, long pindex) {
        assertThat(get(object, pindex)).isEqualTo(PagerResult.OK);
        object.lock().lock();
        @Nullable Page page = object.pages().lookup(pindex);
        assertThat(page).isNotNull();
        assertThat(page.valid()).isEqualTo(Page.ALL);
        long tag = tag(page);
        object.lock().unlock();
        return tag;
    }

    void check() {
        Violations violations = new Violations();
        layer.checks().forEach(check -> check.check(violations));
        pages.check(violations);
        assertThat(violations.messages()).isEmpty();
    }

    @Override
    public void close() {
        layer.close();
        pages.close();
        pmaps.detach();
        memory.close();
    }
}
