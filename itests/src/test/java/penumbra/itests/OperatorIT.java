// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import javax.inject.Inject;
import org.apache.felix.service.command.CommandProcessor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.BundleContext;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.exam.jupiter.PaxExam;
import penumbra.hw.Cpu;
import penumbra.hw.Device;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.inspect.Holder;
import penumbra.itests.ModelProgram.Contents;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.PageCounts;
import penumbra.vnode.Vnode;

/**
 * Pagers, stores, file systems, MMUs, policies and the inspector come, go and change in random order, by every means
 * that an operator has, while programs on eight CPUs fault, write, fork and exit in a machine that is too small for
 * them.
 *
 * <p>{@code -Dpenumbra.steps=N} sets how many steps it takes, {@code -Dpenumbra.seed=N} repeats a run.
 */
@ExtendWith(PaxExam.class)
class OperatorIT {
    private static final int CPUS = 8;
    private static final int MEMORY = 480;
    private static final int SLOTS = 8_000;
    private static final int COMPRESSED = 300;
    private static final int PAGES = 120;
    private static final int FILE_PAGES = 32;
    private static final int SCREEN_PAGES = 24;

    /** How long programs that are stuck because something is away may hold a step up. */
    private static final long STUCK_MILLIS = 50;

    private final int steps = Integer.getInteger("penumbra.steps", 300);
    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());
    private final Outages outages = new Outages();

    @TempDir
    private Path directory;

    @Inject
    private BundleContext context;

    @Inject
    private CommandProcessor commands;

    @Inject
    private MachineBoot power;

    private final List<Shared> shared = new ArrayList<>();
    private Kernel kernel;
    private Operator operator;
    private VmObject screen;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    @Test
    void nothingIsLostWhateverAnOperatorDoes() throws Exception {
        System.out.println("operator's steps: " + steps + ", seed " + seed);
        operator = new Operator(context, commands);
        kernel = power.boot(new MachineSettings(MEMORY, SLOTS, null, CPUS, Execution.THREADED, Fidelity.CORRECTED, true)
                .withCompressedPages(COMPRESSED));
        SplittableRandom random = new SplittableRandom(seed - 1);
        List<String> done = new ArrayList<>();
        try (Watchdog watchdog = new Watchdog(kernel.machine(), this::state)) {
            OperatorSteps operation = new OperatorSteps(operator, context, kernel, outages, directory, random);
            // The second swap file and the heap.
            outages.begin();
            outages.begin();
            operation.everythingBack();
            prepare();
            Crowd crowd = new Crowd(kernel.machine().cpus(), outages, seed, this::program);
            int looks = 0;
            for (int i = 0; i < steps; i++) {
                watchdog.feed("step " + i + " after " + done);
                crowd.advance(random.nextInt(3 * CPUS), STUCK_MILLIS);
                done.add(operation.next());
                operation.check();
                if (crowd.rest(STUCK_MILLIS)) {
                    checkInvariants(i, done);
                    looks++;
                }
                crowd.goOn();
            }
            watchdog.feed("the end");
            operation.everythingBack();
            operation.check();
            List<ModelProgram> programs = crowd.end();
            checkInvariants(steps, done);
            checkFiles();
            System.out.printf(
                    "looked at the machine %d times; %d accesses refused, %d programs killed for want of memory%n",
                    looks, programs.stream().mapToInt(ModelProgram::refused).sum(), crowd.killed());
            System.out.println(state());
            programs.forEach(ModelProgram::exit);
            checkInvariants(steps + 1, done);
            screen.deallocate();
            shared.forEach(mine -> mine.file.release());
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed + ", after " + done.size() + " steps " + done + ": " + e, e);
        }
    }

    private String state() {
        PageCounts counts = kernel.pages().counts();
        return String.format(
                "%d free, %d cached, %d active, %d inactive, %d wired; daemon %d passes, %d laundered%n%s",
                counts.free(),
                counts.cache(),
                counts.active(),
                counts.inactive(),
                counts.wired(),
                kernel.pageout().passes(),
                kernel.pageout().laundered(),
                kernel.pagers().status().stream().map(Object::toString).collect(Collectors.joining("\n")));
    }

    /** What the programs of one CPU share, one after the other. */
    private record Shared(Vnode file, Contents fileContents, Contents stripe) {}

    private ModelProgram program(Cpu cpu) {
        Shared mine = shared.get(cpu.number());
        screen.reference();
        return ModelProgram.start(kernel, cpu, outages)
                .withMemory(PAGES)
                .withFile(mine.file, mine.fileContents)
                .withObject(screen, (long) cpu.number() * SCREEN_PAGES, mine.stripe);
    }

    private Path fileOf(Cpu cpu) {
        return directory.resolve("file of cpu " + cpu.number());
    }

    /** A file of zeroes for each CPU, and a screen of which each has a stripe. */
    private void prepare() throws IOException {
        for (Cpu cpu : kernel.machine().cpus()) {
            Path path = fileOf(cpu);
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(PageSize.bytes(FILE_PAGES));
            }
            Vnode vnode = kernel.vnodes().open("host", path.toString(), true);
            shared.add(new Shared(vnode, new Contents(FILE_PAGES), new Contents(SCREEN_PAGES)));
        }
        Device device = kernel.machine().devices().stream()
                .filter(each -> each.name().equals("fb"))
                .findFirst()
                .orElseThrow();
        screen = Objects.requireNonNull(kernel.pagers()
                .allocate(ObjectType.DEVICE, device, PageSize.bytes(CPUS * SCREEN_PAGES), Prot.RW, 0, null));
    }

    /** This test, which keeps a reference to the screen. */
    private List<Holder> holders() {
        List<Holder> holders = new ArrayList<>(operator.services(Holder.class));
        holders.add(new Holder() {
            @Override
            public String name() {
                return "the test";
            }

            @Override
            public int references(VmObject object) {
                return object == screen ? 1 : 0;
            }
        });
        return holders;
    }

    /** Looks at the machine until the daemon's last writes have ended. */
    private void checkInvariants(int step, List<String> done) {
        List<String> found = List.of();
        for (int tries = 0; tries < 50; tries++) {
            awaitWrites();
            found = kernel.checkInvariants(holders()).messages();
            if (found.isEmpty()) {
                return;
            }
        }
        assertThat(found).as("step %d, %s", step, done.get(done.size() - 1)).isEmpty();
    }

    /** An object's paging in progress lasts as long as its last write. */
    private void awaitWrites() {
        List<VmObject> objects = new ArrayList<>();
        kernel.objects().forEach(objects::add);
        for (VmObject object : objects) {
            object.lock().lock();
            object.pipWait("rest");
            object.lock().unlock();
        }
    }

    /** What the files of the host hold is what was stored. */
    private void checkFiles() throws IOException {
        for (Cpu cpu : kernel.machine().cpus()) {
            Shared mine = shared.get(cpu.number());
            kernel.vnodes().fsync(mine.file);
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(fileOf(cpu))).order(ByteOrder.LITTLE_ENDIAN);
            for (int page = 0; page < FILE_PAGES; page++) {
                int start = page * PageSize.BYTES;
                assertThat(new long[] {bytes.getLong(start), bytes.getLong(start + PageSize.BYTES - Long.BYTES)})
                        .as("page %d of the file of cpu %d", page, cpu.number())
                        .isEqualTo(new long[] {
                            mine.fileContents.first()[page], mine.fileContents.last()[page]
                        });
            }
        }
    }
}
