// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;

/** What it costs to merge an object with the one behind it: in pages that move, whatever the objects' sizes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 8, time = 1)
@Fork(1)
public class CollapseBenchmark {
    /** Size of the objects in pages: 1 TiB. */
    private static final long SIZE = 1L << 28;

    private static final int SPARE = 4096;

    /** Pages of the object behind, all of which move. */
    @Param({"1", "1000", "100000"})
    private int pages;

    private Guest guest;
    private VmObject behind;
    private VmObject shadow;

    /** Boots. */
    @Setup
    public void boot() {
        guest = new Guest(pages + SPARE, 1);
    }

    /** Makes an object with pages, and one in front of it. */
    @Setup(Level.Invocation)
    public void chain() {
        behind = guest.kernel().objects().allocate(ObjectType.DEFAULT, SIZE);
        behind.lock().lock();
        for (int i = 0; i < pages; i++) {
            Page page = guest.kernel().pages().grab(behind, i, Alloc.NORMAL);
            page.setValid(Page.ALL);
            page.makeDirty();
            page.activate();
            page.xunbusy();
        }
        behind.lock().unlock();
        behind.reference();
        shadow = guest.kernel().objects().shadow(behind, 0, SIZE);
    }

    /** Drops the last reference but the shadow's, which makes the object merge with its only shadow. */
    @Benchmark
    public void collapse() {
        behind.deallocate();
    }

    /** Checks that the chain is gone, and frees the pages. */
    @TearDown(Level.Invocation)
    public void free() {
        if (shadow.backing() != null || shadow.pages().count() != pages) {
            throw new IllegalStateException("not collapsed: " + shadow);
        }
        shadow.deallocate();
    }

    /** Switches off. */
    @TearDown
    public void close() {
        guest.close();
    }
}
