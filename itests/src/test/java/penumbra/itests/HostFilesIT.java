// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import javax.inject.Inject;
import org.apache.felix.service.command.CommandProcessor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import penumbra.exam.jupiter.PaxExam;
import penumbra.hw.PageSize;
import penumbra.inspect.CounterSource;
import penumbra.process.Processes;

/**
 * The host's file system goes while recorded programs read files of it, and comes back: who reads waits for it, up to a
 * limit, and what he reads then is right.
 */
@ExtendWith(PaxExam.class)
class HostFilesIT {
    private static final String HOST = "penumbra.fs.host";
    private static final String VNODES = "penumbra.vm.vnode";

    /** Four times the memory of 512k. */
    private static final int FILE_PAGES = 512;

    /** Nearly each is a page-in, so that the run takes seconds. */
    private static final int LOADS = 40_000;

    private static final long FILE = 0x2000_0000L;

    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());

    @TempDir
    private Path directory;

    @Inject
    private BundleContext context;

    @Inject
    private CommandProcessor commands;

    private Operator operator;
    private Path file;
    private Path recording;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    @BeforeEach
    void prepare() throws IOException {
        System.out.println("seed " + seed);
        operator = new Operator(context, commands);
        SplittableRandom random = new SplittableRandom(seed);
        byte[] bytes = new byte[FILE_PAGES * PageSize.BYTES];
        random.nextBytes(bytes);
        file = Files.write(directory.resolve("mapped"), bytes);
        recording = Files.writeString(directory.resolve("100.log"), program(random));
    }

    /**
     * A program that maps the file and reads it all over the place, and now and then changes its own copy of a page.
     */
    private String program(SplittableRandom random) {
        StringBuilder log = new StringBuilder("==100== Lackey, an example Valgrind tool\n==100== Command: program\n"
                + "==100== Parent PID: 1\n==100== \n");
        log.append("SYSCALL[100,1](257) sys_openat ( 4294967196, 0x1(" + file + "), 0 )[sync] --> Success(0x3) \n");
        log.append(String.format(
                "SYSCALL[100,1](9) sys_mmap ( 0x%x, %d, 3, 2, 3, 0 )[sync] --> Success(0x%x) %n",
                FILE, PageSize.bytes(FILE_PAGES), FILE));
        for (int i = 0; i < LOADS; i++) {
            String kind = i % 1_000 == 0 ? "M" : "L";
            log.append(String.format(" %s %08x,8%n", kind, FILE + PageSize.bytes(random.nextInt(FILE_PAGES))));
        }
        return log.append("==100== \n==100== Counted 0 calls to main()\n==100== \n==100== Exit code:       0\n")
                .toString();
    }

    private FutureTask<String> replay(int cpus) {
        FutureTask<String> replay = new FutureTask<>(
                () -> operator.command("vm replay --memory 512k --swap 64m --cpus " + cpus + " " + recording));
        new Thread(replay, "replay").start();
        Operator.await(() -> replay.isDone() || reads());
        assertThat(replay).as("the replay").isNotDone();
        return replay;
    }

    /** Whether the program is in the middle of its file. */
    private boolean reads() {
        @Nullable ServiceReference<Processes> reference = context.getServiceReference(Processes.class);
        @Nullable Processes processes = reference == null ? null : context.getService(reference);
        return processes != null
                && !processes.all().isEmpty()
                && processes.faults().total() > FILE_PAGES;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aReplayWaitsForItsFilesAndGoesOn(int cpus) throws Exception {
        FutureTask<String> replay = replay(cpus);
        for (int i = 0; i < 3; i++) {
            long before = waits();
            operator.command("vm:stop " + HOST);
            Operator.await(() -> replay.isDone() || waits() > before);
            assertThat(replay).as("the replay without its files").isNotDone();
            operator.command("vm:start " + HOST);
        }
        operator.command("vm:update " + HOST);
        operator.reinstall(HOST);
        operator.refresh(List.of(operator.bundle(HOST)));
        assertThat(replay.get()).contains("every byte as expected, all invariants hold");
    }

    @Test
    void afterTheDeadlineTheReplayEndsWithOneLine() throws Exception {
        operator.configure(VNODES, Map.of("return.wait.ms", 0L));
        operator.awaitConfigured();
        FutureTask<String> replay = replay(1);
        operator.stop(HOST);
        assertThatThrownBy(replay::get)
                .hasMessageContaining(file + ": cannot be read: no file system \"host\"; there are: tmp\n")
                .hasMessageNotContaining("\tat ");
        assertThatThrownBy(() -> operator.command("vm replay " + recording))
                .hasMessageContaining(": cannot be read: no file system \"host\"; there are: tmp\n")
                .hasMessageNotContaining("\tat ");
        operator.start(HOST);
        assertThat(operator.command("vm replay --memory 512k " + recording))
                .contains("every byte as expected, all invariants hold");
    }

    /** Calls that have waited for a file system. */
    private long waits() {
        AtomicLong waits = new AtomicLong();
        for (CounterSource source : operator.services(CounterSource.class)) {
            source.forEach((name, value) -> {
                if (name.equals("vfs.waits")) {
                    waits.addAndGet(value);
                }
            });
        }
        return waits.get();
    }
}
