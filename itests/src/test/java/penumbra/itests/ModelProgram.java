// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.process.Errno;
import penumbra.process.MemoryCalls;
import penumbra.process.OpenFile;
import penumbra.process.Placement;
import penumbra.process.Process;
import penumbra.vnode.Vnode;

/**
 * A program with memory of several kinds, and what each of its pages must hold, in arrays that share nothing with the
 * VM. Accesses may be refused while a part of the machine is away, but what they answer is right. One thread runs it,
 * on one CPU.
 */
final class ModelProgram {
    private static final long FIRST_BASE = 1 << 24;
    private static final long REGION = 1 << 24;
    private static final Cred USER = new Cred(1001);

    private final Kernel kernel;
    private final Cpu cpu;
    private final Outages outages;
    private final Process process;
    private final List<Region> regions;
    private int refused;

    /** The words that each of some pages begins and ends with. */
    record Contents(long[] first, long[] last) {
        /** Pages of zeroes. */
        Contents(int pages) {
            this(new long[pages], new long[pages]);
        }
    }

    /** Memory in a row. What is shared is the same for parent and child, and for those who come later. */
    private record Region(long base, long[] first, long[] last, boolean shared) {
        Region(long base, Contents contents, boolean shared) {
            this(base, contents.first, contents.last, shared);
        }

        Region inherited() {
            return shared ? this : new Region(base, first.clone(), last.clone(), false);
        }

        long start(int page) {
            return base + PageSize.bytes(page);
        }

        long end(int page) {
            return start(page + 1) - Long.BYTES;
        }

        int pages() {
            return first.length;
        }
    }

    private ModelProgram(Kernel kernel, Cpu cpu, Outages outages, Process process, List<Region> regions) {
        this.kernel = kernel;
        this.cpu = cpu;
        this.outages = outages;
        this.process = process;
        this.regions = regions;
    }

    /** A program without memory. */
    static ModelProgram start(Kernel kernel, Cpu cpu, Outages outages) {
        Process process = kernel.processes().create("program of cpu " + cpu.number(), USER);
        kernel.processes().run(cpu, process);
        return new ModelProgram(kernel, cpu, outages, process, new ArrayList<>());
    }

    /** Maps memory of its own. */
    ModelProgram withMemory(int pages) {
        Region region = new Region(nextBase(), new Contents(pages), false);
        insert(region, null, 0, 0);
        return this;
    }

    /** Maps a file, shared. */
    ModelProgram withFile(Vnode file, Contents contents) {
        Region region = new Region(nextBase(), contents, true);
        Placement placed = process.calls()
                .mmap(
                        region.base,
                        PageSize.bytes(region.pages()),
                        Prot.RW,
                        MemoryCalls.MAP_SHARED | MemoryCalls.MAP_FIXED,
                        new OpenFile(file, true, true),
                        0);
        assertThat(placed.error()).isEqualTo(Errno.OK);
        regions.add(region);
        return this;
    }

    /** Maps some pages of an object, shared; takes a reference of the caller's over. */
    ModelProgram withObject(VmObject object, long offset, Contents contents) {
        Region region = new Region(nextBase(), contents, true);
        insert(region, object, offset, MapFlags.INHERIT_SHARE);
        assertThat(process.space().inherit(region.base, region.start(region.pages()), Inheritance.SHARE))
                .isEqualTo(KernReturn.SUCCESS);
        return this;
    }

    private long nextBase() {
        return FIRST_BASE + regions.size() * REGION;
    }

    private void insert(Region region, @Nullable VmObject object, long offset, int flags) {
        KernReturn mapped = process.space()
                .insert(object, offset, region.base, region.start(region.pages()), Prot.RW, Prot.ALL, flags);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        regions.add(region);
    }

    /** A child with the same memory, which runs instead of it. */
    ModelProgram fork() {
        Process child = kernel.processes().fork(process, "child of " + process.pid());
        List<Region> inherited = regions.stream().map(Region::inherited).toList();
        ModelProgram forked = new ModelProgram(kernel, cpu, outages, Objects.requireNonNull(child), inherited);
        forked.run();
        return forked;
    }

    /** Runs it instead of another. */
    void run() {
        kernel.processes().run(cpu, process);
    }

    /** Whether the system has chosen it to die. */
    boolean killed() {
        return process.killed();
    }

    String killReason() {
        return process.killReason();
    }

    /** Accesses that were refused while something was away. */
    int refused() {
        return refused;
    }

    /** Ends it; another must run before. */
    void exit() {
        kernel.processes().exit(process);
    }

    /** Loads and stores here and there. */
    void access(int count, SplittableRandom random) {
        for (int i = 0; i < count && !killed(); i++) {
            Region region = regions.get(random.nextInt(regions.size()));
            int page = random.nextInt(region.pages());
            long word = random.nextLong();
            if (random.nextInt(3) == 0) {
                if (attempt(() -> cpu.store(region.start(page), Long.BYTES, word))) {
                    region.first[page] = word;
                }
                if (attempt(() -> cpu.store(region.end(page), Long.BYTES, word))) {
                    region.last[page] = word;
                }
            } else {
                check(region, page);
            }
        }
    }

    /** Loads every page. */
    void checkAll() {
        for (Region region : regions) {
            for (int page = 0; page < region.pages(); page++) {
                check(region, page);
            }
        }
    }

    private void check(Region region, int page) {
        attempt(() -> require(region, page, cpu.load(region.start(page), Long.BYTES), region.first[page]));
        attempt(() -> require(region, page, cpu.load(region.end(page), Long.BYTES), region.last[page]));
    }

    private void require(Region region, int page, long found, long expected) {
        if (found != expected) {
            throw new AssertionError(String.format(
                    "%s: page %d of the memory at %#x holds %#x, not %#x",
                    process, page, region.base, found, expected));
        }
    }

    /**
     * Makes an access; false when it was refused, which it may be only when something was away or the program is to
     * die.
     */
    private boolean attempt(Runnable access) {
        long moment = outages.now();
        cpu.enterUser();
        try {
            access.run();
            return true;
        } catch (MemoryFault e) {
            if (!outages.since(moment) && !killed()) {
                throw new AssertionError(process + ": " + e.getMessage() + " although all is there", e);
            }
            refused++;
            return false;
        } finally {
            cpu.leaveUser();
        }
    }

    /** Replaces some of its own memory by fresh one. */
    void renew(SplittableRandom random) {
        Region region = regions.get(0);
        int from = random.nextInt(region.pages());
        int to = Math.min(region.pages(), from + 1 + random.nextInt(24));
        KernReturn mapped =
                process.space().fixed(null, 0, region.start(from), PageSize.bytes(to - from), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        Arrays.fill(region.first, from, to, 0);
        Arrays.fill(region.last, from, to, 0);
    }

    /** Writes its file back; that may fail only when something was away. */
    void sync() {
        Region file = regions.get(1);
        long moment = outages.now();
        Errno result = process.calls().msync(file.base, PageSize.bytes(file.pages()), 0);
        if (!result.ok() && !outages.since(moment)) {
            throw new AssertionError(process + ": msync: " + result + " although all is there");
        }
    }
}
