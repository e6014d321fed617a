// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.Machine;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.riscv.RiscvMmu;
import penumbra.hw.sim.SimMachine;
import penumbra.inspect.InvariantCheck;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.kern.Witness;
import penumbra.pager.BackingStore;
import penumbra.pager.device.DevicePager;
import penumbra.pager.device.ManagedDevicePager;
import penumbra.pager.device.PhysPager;
import penumbra.pager.device.ScatterPager;
import penumbra.pager.swap.FileStore;
import penumbra.pager.swap.SwapFileSettings;
import penumbra.pager.vnode.FileSizes;
import penumbra.pager.vnode.VnodePager;
import penumbra.pager.zswap.ZswapStore;
import penumbra.vm.map.ProcessTable;
import penumbra.vm.object.ObjectCheck;
import penumbra.vm.object.ObjectCore;
import penumbra.vm.object.ObjectCounters;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pageout.PageoutDaemon;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.pmap.PmapLayer;
import penumbra.vm.vnode.VnodeCounts;
import penumbra.vm.vnode.VnodeInvariants;
import penumbra.vm.vnode.VnodeTable;

/**
 * One machine with every subsystem, wired as the container does it, with one swap file and, if there is compressed
 * memory, a compressed store that is used before it.
 *
 * <p>Closing it takes everything down from the top and gives memory and swap file back.
 */
public final class HandMachine implements AutoCloseable {
    /** What the compressed store's component has if nothing else is configured. */
    private static final int ZSWAP_RANKING = 100;

    private static final int ZSWAP_FACTOR = 3;
    private static final int ZSWAP_LEVEL = -6;

    private final Kernel kernel;
    private final FrameMemory frames;
    private final PmapLayer pmaps;
    private final PageSystem pages;
    private final PagerLayer pagers;
    private final FileStore file;
    private final BackingStore store;
    private final @Nullable ZswapStore compressed;
    private final ProcessTable processes;
    private final PageoutDaemon pageout;

    /** Boots a machine; the host's file system is there. */
    public HandMachine(MachineSettings settings) {
        this(settings, Interposed.NOTHING);
    }

    /** Boots a machine with something between the layers. */
    public HandMachine(MachineSettings settings, Interposed between) {
        Witness.forget();
        frames = new FrameMemory(
                MemoryLayout.ofFrames(settings.pages()).withCompressedPages(settings.compressedPages()));
        PhysicalMemory memory = between.memory().apply(frames);
        Machine machine = between.machine()
                .apply(new SimMachine(
                        memory,
                        new penumbra.hw.sim.MachineSettings(
                                settings.cpus(),
                                settings.execution(),
                                settings.fidelity(),
                                penumbra.hw.sim.MachineSettings.TLB_ENTRIES)));
        pmaps = new PmapLayer(machine, memory, between.mmu().apply(new Amd64Mmu()), settings.optimised());
        pmaps.addMmu(new RiscvMmu());
        pages = new PageSystem(memory, machine, pmaps);
        pagers = new PagerLayer(machine, memory, pages);
        file = openStore(settings, between.swapOpener());
        store = between.store().apply(file);
        pagers.attach(store, 0);
        compressed = openCompressed(settings);
        if (compressed != null) {
            pagers.attach(compressed, ZSWAP_RANKING);
        }
        ObjectCore objects = new ObjectCore(machine, pmaps, pages, pagers.pagers(), pagers.swap(), pagers.accounting());
        pagers.pagers().setObjectFactory(objects);
        VnodeTable vnodes =
                new VnodeTable(machine, pagers.pagers(), VnodeTable.UNUSED_VNODES, VnodeTable.RETURN_WAIT_MS);
        vnodes.addFileSystem(new HostFileSystem(between.fileOpener()));
        VnodePager vnodePager = new VnodePager(machine, memory, pages);
        pagers.add(vnodePager, 0);
        pagers.add(new DevicePager(machine, pages), 0);
        pagers.add(new ManagedDevicePager(machine, pages), 0);
        pagers.add(new ScatterPager(machine, pages), 0);
        pagers.add(new PhysPager(pages), 0);
        processes =
                new ProcessTable(machine, pmaps, pages, objects, pagers.pagers(), pagers.swap(), pagers.accounting());
        pageout = new PageoutDaemon(machine, pages, pmaps, pagers.swap(), objects, processes);
        pageout.start();
        kernel = new Kernel(
                memory,
                machine,
                pmaps,
                pages,
                vnodes,
                new FileSizes(memory, pages),
                pagers.pagers(),
                pagers.swap(),
                pagers.accounting(),
                objects,
                processes,
                pageout,
                checks(
                        pagers.checks(),
                        pages,
                        new ObjectCheck(objects, pagers.swap(), pagers.accounting()),
                        new VnodeInvariants(vnodes),
                        processes),
                List.of(
                        pages,
                        pagers.counters(),
                        new ObjectCounters(objects),
                        new VnodeCounts(vnodes),
                        vnodePager,
                        processes,
                        pageout));
    }

    private static List<InvariantCheck> checks(List<InvariantCheck> some, InvariantCheck... others) {
        return Stream.concat(some.stream(), Stream.of(others)).toList();
    }

    private static FileStore openStore(MachineSettings settings, Opener opener) {
        @Nullable Path path = settings.swapFile();
        try {
            boolean temporary = path == null;
            if (path == null) {
                path = Files.createTempFile("penumbra-", ".swap");
                Files.delete(path);
            }
            return FileStore.open(
                    new SwapFileSettings("file", path, settings.swapPages(), false, false, temporary), opener);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private @Nullable ZswapStore openCompressed(MachineSettings settings) {
        if (settings.compressedPages() == 0) {
            return null;
        }
        try {
            return ZswapStore.open("zswap", frames, ZswapStore.slotsFor(frames, ZSWAP_FACTOR), ZSWAP_LEVEL);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The subsystems. */
    public Kernel kernel() {
        return kernel;
    }

    /** The pager layer, where stores and pagers come and go. */
    public PagerLayer pagers() {
        return pagers;
    }

    /** The swap file's store, as the pager layer has it. */
    public BackingStore swapFile() {
        return store;
    }

    /** The compressed store; null when there is no compressed memory. */
    public @Nullable ZswapStore compressed() {
        return compressed;
    }

    @Override
    public void close() {
        pageout.stop();
        processes.close();
        pagers.close();
        store.retire();
        file.close();
        if (compressed != null) {
            compressed.close();
        }
        pages.close();
        pmaps.detach();
        frames.close();
    }
}
