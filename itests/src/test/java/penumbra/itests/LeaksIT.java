// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.apache.felix.service.command.CommandProcessor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleWiring;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.exam.jupiter.PaxExam;
import penumbra.hw.PageSize;
import penumbra.hw.SegmentUse;
import penumbra.inspect.CounterSource;
import penumbra.inspect.Holder;
import penumbra.itests.ModelProgram.Contents;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.pager.BackingStore;
import penumbra.vnode.Vnode;

/**
 * Bundles are uninstalled and installed again many times while a program uses what they provide: no class loader,
 * thread, file descriptor or memory outside the heap stays behind. {@code -Dpenumbra.rounds=N} sets how many times.
 */
@ExtendWith(PaxExam.class)
class LeaksIT {
    private static final List<String> BUNDLES = List.of(
            "penumbra.pager.swap",
            "penumbra.pager.zswap",
            "penumbra.pager.vnode",
            "penumbra.pager.device",
            "penumbra.fs.host",
            "penumbra.fs.tmp",
            "penumbra.hw.riscv",
            "penumbra.hw.amd64",
            "penumbra.ddb");

    private static final int MEMORY = 200;
    private static final int SLOTS = 2_000;
    private static final int COMPRESSED = 400;
    private static final int PAGES = 300;
    private static final int FILE_PAGES = 16;

    /** After so many everything has been used once. */
    private static final int WARM_UP = 5;

    /** The smallest buffer that a bundle could lose in a round, a disk's block. */
    private static final long LEAST_BUFFER = PageSize.BLOCK;

    /** More than what a codec of the compressed store has outside the heap: a page, plain and at its worst packed. */
    private static final long CODEC_BYTES = 3 * PageSize.BYTES;

    /** What a transfer of the swap pager has outside the heap. */
    private static final long TRANSFER_BYTES = (BackingStore.MAX_RUN + 1) * PageSize.BYTES;

    /** The container's pool of threads: idle ones go after a minute, and others come. */
    private static final String PROMISES = "PromiseFactory,";

    /** How often the collector may be asked. */
    private static final int COLLECTIONS = 200;

    private static final long COLLECTION_MILLIS = 100;

    private final int rounds = Integer.getInteger("penumbra.rounds", 30);
    private final Outages outages = new Outages();
    private final ReferenceQueue<ClassLoader> collected = new ReferenceQueue<>();
    private final Set<WeakReference<ClassLoader>> loaders = new HashSet<>();

    @TempDir
    private Path directory;

    @Inject
    private BundleContext context;

    @Inject
    private CommandProcessor commands;

    @Inject
    private MachineBoot power;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    /** What there must not be more of. */
    private record Usage(Set<String> threads, Set<String> files, long directBytes) {}

    /** Buffers that are kept for as many transfers as there were at once, which is up to the threads, not the rounds. */
    private record Pools(long codecs, long transfers) {
        static Pools of(Operator operator) {
            Map<String, Long> counters = new HashMap<>();
            operator.services(CounterSource.class).forEach(source -> source.forEach(counters::put));
            return new Pools(counters.get("vm.zswap.codecs"), counters.get("vm.swap.buffers"));
        }

        /** What they may have grown by. */
        long bytesMoreThan(Pools before) {
            return Math.max(0, codecs - before.codecs) * CODEC_BYTES
                    + Math.max(0, transfers - before.transfers) * TRANSFER_BYTES;
        }
    }

    @Test
    void nothingStaysBehind() throws Exception {
        Operator operator = new Operator(context, commands);
        Kernel kernel =
                power.boot(new MachineSettings(MEMORY, SLOTS, null, 1, Execution.THREADED, Fidelity.CORRECTED, true)
                        .withCompressedPages(COMPRESSED));
        assertThat(kernel.memory().segments()).anyMatch(segment -> segment.use() == SegmentUse.COMPRESSED);
        Path path = directory.resolve("file");
        Files.write(path, new byte[FILE_PAGES * PageSize.BYTES]);
        Vnode file = kernel.vnodes().open("host", path.toString(), true);
        ModelProgram program = ModelProgram.start(
                        kernel, kernel.machine().cpus().get(0), outages)
                .withMemory(PAGES)
                .withFile(file, new Contents(FILE_PAGES));
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < WARM_UP; i++) {
            round(operator, program, random);
        }
        awaitCollected();
        Pools pools = Pools.of(operator);
        Usage before = usage();
        for (int i = 0; i < rounds; i++) {
            round(operator, program, random);
        }
        awaitCollected();
        Usage after = usage();
        assertThat(before.threads).as("threads").containsAll(after.threads);
        assertThat(after.files).hasSameSizeAs(before.files);
        assertThat(after.directBytes - before.directBytes)
                .as("bytes outside the heap that stayed behind")
                .isLessThan(rounds * LEAST_BUFFER + Pools.of(operator).bytesMoreThan(pools));
        program.checkAll();
        assertThat(program.refused()).as("refused accesses").isZero();
        program.exit();
        file.release();
        assertThat(kernel.checkInvariants(operator.services(Holder.class)).messages())
                .isEmpty();
    }

    /** Each bundle goes and comes again, and is used. */
    private void round(Operator operator, ModelProgram program, SplittableRandom random) throws Exception {
        for (String name : BUNDLES) {
            ClassLoader loader = operator.bundle(name).adapt(BundleWiring.class).getClassLoader();
            loaders.add(new WeakReference<>(loader, collected));
            operator.reinstall(name);
            program.access(100, random);
        }
        operator.refresh(null);
        program.sync();
    }

    /** Returns when no class loader is left of the bundles that are gone. */
    private void awaitCollected() throws InterruptedException {
        for (int i = 0; i < COLLECTIONS && !loaders.isEmpty(); i++) {
            System.gc();
            for (var reference = collected.remove(COLLECTION_MILLIS); reference != null; reference = collected.poll()) {
                loaders.remove(reference);
            }
        }
        assertThat(loaders.stream().map(WeakReference::get).toList())
                .as("class loaders of bundles that are gone")
                .isEmpty();
    }

    private static Usage usage() throws IOException {
        List<BufferPoolMXBean> pools = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class);
        BufferPoolMXBean direct = pools.stream()
                .filter(pool -> pool.getName().equals("direct"))
                .findFirst()
                .orElseThrow();
        Set<String> threads = Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> !name.startsWith(PROMISES))
                .collect(Collectors.toCollection(TreeSet::new));
        return new Usage(threads, openFiles(), direct.getMemoryUsed());
    }

    /** What this process has open, as far as the host tells. */
    private static Set<String> openFiles() throws IOException {
        Set<String> files = new TreeSet<>();
        Path descriptors = Path.of("/proc/self/fd");
        if (Files.isDirectory(descriptors)) {
            List<Path> numbers;
            try (Stream<Path> all = Files.list(descriptors)) {
                numbers = new ArrayList<>(all.toList());
            }
            for (Path number : numbers) {
                if (Files.exists(number)) {
                    files.add(number.getFileName() + " " + Files.readSymbolicLink(number));
                }
            }
        }
        return files;
    }
}
