// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.hw.PageSize;
import penumbra.inspect.Violations;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.lab.cli.ExitStatus;
import penumbra.lab.cli.LabCommand;
import penumbra.lab.cli.MachineCommand;
import penumbra.lab.trace.BadInput;
import penumbra.lab.trace.Recording;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs recorded programs on a fresh machine and checks every byte. */
@Component(service = LabCommand.class)
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs recorded programs as processes of a fresh machine and checks every byte that they load.",
            "FILE is a Lackey log (.log, .log.gz, .log.xz), a directory or archive of such (.tar.xz, .tar.gz), a"
                    + " compact recording, or - for one log on standard input.",
            "Ends with 0 if everything held, 1 if a check failed, 2 for unusable arguments or input, 3 for a panic."
        })
public final class ReplayCommand implements MachineCommand {
    /** The largest machine: what a page's 32-bit frame number and one host can hold is far more. */
    private static final int MAX_CPUS = 64;

    /** The two slots of a swap file that hold its header, and one to use. */
    private static final int LEAST_SWAP_PAGES = 3;

    private final MachineBoot power;
    private volatile @Nullable Replay running;

    /** Whether the run is to end; it may be asked to before there is a replay. */
    private volatile boolean cancelled;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "recordings")
    private List<String> inputs = List.of();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            defaultValue = "16m",
            converter = SizeConverter.class,
            description = "memory of the machine (default: ${DEFAULT-VALUE})")
    private long memory;

    @Option(
            names = "--swap",
            paramLabel = "SIZE",
            defaultValue = "256m",
            converter = SizeConverter.class,
            description = "size of the swap file (default: ${DEFAULT-VALUE})")
    private long swap;

    @Option(
            names = "--swap-file",
            paramLabel = "PATH",
            description = "the swap file; one that exists must be a swap file already (default: a temporary file)")
    private @Nullable Path swapFile;

    @Option(
            names = "--zswap",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "memory for compressed pages, used before the swap file (default: none)")
    private long compressed;

    @Option(
            names = "--cpus",
            paramLabel = "N",
            defaultValue = "1",
            description = "CPUs; 1 runs in steps, and the same seed gives the same report (default: ${DEFAULT-VALUE})")
    private int cpus;

    @Option(
            names = "--quantum",
            paramLabel = "N",
            defaultValue = "" + ReplayOptions.QUANTUM,
            description = "references before the next process's turn (default: ${DEFAULT-VALUE})")
    private int quantum;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "decides the order of processes and the contents of generated files (default: ${DEFAULT-VALUE})")
    private long seed;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            defaultValue = "freebsd10",
            description = "replacement policy of the page daemon (default: ${DEFAULT-VALUE})")
    private String policy = "";

    @Option(
            names = "--mmu",
            paramLabel = "NAME",
            defaultValue = "amd64",
            description = "the memory management unit, amd64 or riscv (default: ${DEFAULT-VALUE})")
    private String mmu = "";

    @Option(
            names = "--mmu-every",
            paramLabel = "Ns|N-faults",
            description =
                    "replace the MMU by the next one all the time, after so many seconds of the machine's time or so"
                            + " many faults")
    private @Nullable String mmuEvery;

    @Option(
            names = "--files",
            paramLabel = "host|generated",
            defaultValue = "host",
            description = "where mapped files come from (default: ${DEFAULT-VALUE})")
    private String files = "";

    @Option(
            names = "--swap-pager-every",
            paramLabel = "Ns|N-faults",
            description =
                    "replace the store of swapped pages by the next one all the time, after so many seconds of the"
                            + " machine's time or so many faults; needs --zswap, for a second store")
    private @Nullable String swapPagerEvery;

    @Option(
            names = "--write-back",
            paramLabel = "DIR",
            description = "keep what programs stored to shared files; host files are never written")
    private @Nullable Path writeBack;

    @Option(names = "--json", paramLabel = "FILE", description = "write the report as JSON, too")
    private @Nullable Path json;

    @Option(names = "--quiet", description = "print nothing but failures")
    private boolean quiet;

    /** @param power boots the machine of each run */
    @Activate
    public ReplayCommand(@Reference MachineBoot power) {
        this.power = power;
    }

    @Override
    public Integer call() throws IOException {
        cancelled = false;
        ReplayOptions options = options();
        long started = System.nanoTime();
        Recording recording = Recording.open(options.inputs(), System.in);
        try {
            Kernel kernel = power.boot(settings(options));
            if (!kernel.pageout().usePolicy(options.policy())) {
                throw new BadInput("--policy", "there is no policy " + options.policy());
            }
            if (!kernel.pmaps().useMmu(options.mmu())) {
                throw new BadInput(
                        "--mmu",
                        "there is no MMU " + options.mmu() + ": expected one of "
                                + kernel.pmaps().mmuNames());
            }
            return run(options, kernel, recording, started);
        } finally {
            running = null;
            recording.close();
        }
    }

    private int run(ReplayOptions options, Kernel kernel, Recording recording, long started) throws IOException {
        PrintStream out = System.out;
        Progress progress = new Progress(
                quiet || !Terminal.present() ? null : out,
                recording.references().total());
        try (Replay replay = new Replay(options, kernel, recording, progress, started)) {
            running = replay;
            if (cancelled) {
                return ExitStatus.FAILED;
            }
            try {
                replay.run();
            } catch (RunFailed failed) {
                progress.end();
                if (!cancelled) {
                    out.println(failed.getMessage());
                }
                return ExitStatus.FAILED;
            }
            progress.end();
            Violations violations = kernel.checkInvariants(List.of());
            Tally tally = replay.tally();
            Report report = new Report(tally, options, kernel.pages().limits());
            if (json != null) {
                report.writeJson(json, violations.messages());
            }
            if (!quiet) {
                report.print(out);
            }
            if (options.writeBack() != null) {
                replay.files().keep(options.writeBack()).forEach(kept -> out.println("kept       " + kept));
            }
            return conclude(violations, out);
        }
    }

    private int conclude(Violations violations, PrintStream out) {
        if (violations.isEmpty()) {
            if (!quiet) {
                out.println("checks     every byte as expected, all invariants hold");
            }
            return ExitStatus.OK;
        }
        violations.messages().forEach(message -> out.println("invariant violated: " + message));
        out.println(violations.count() + " invariants violated");
        return ExitStatus.FAILED;
    }

    private ReplayOptions options() throws BadInput {
        if (cpus < 1 || cpus > MAX_CPUS) {
            throw new BadInput("--cpus", cpus + ": expected 1 to " + MAX_CPUS);
        }
        if (quantum < 1) {
            throw new BadInput("--quantum", quantum + ": expected at least 1");
        }
        if (swap < LEAST_SWAP_PAGES * PageSize.BYTES) {
            throw new BadInput("--swap", swap + ": expected at least " + LEAST_SWAP_PAGES + " pages of 4k");
        }
        if (!files.equals("host") && !files.equals("generated")) {
            throw new BadInput("--files", "\"" + files + "\": expected host or generated");
        }
        return new ReplayOptions(
                inputs,
                PageSize.ceiling(memory),
                PageSize.ceiling(swap),
                swapFile,
                PageSize.ceiling(compressed),
                cpus,
                quantum,
                seed,
                policy,
                mmu,
                interval("--mmu-every", mmuEvery),
                files.equals("host"),
                interval("--swap-pager-every", swapPagerEvery),
                writeBack);
    }

    private static @Nullable Interval interval(String option, @Nullable String text) throws BadInput {
        if (text == null) {
            return null;
        }
        Interval interval = Interval.parse(text);
        if (interval == null) {
            throw new BadInput(option, "\"" + text + "\": expected an interval such as 2s or 1000-faults");
        }
        return interval;
    }

    private static MachineSettings settings(ReplayOptions options) {
        return new MachineSettings(
                (int) PageSize.index(options.memoryBytes()),
                PageSize.index(options.swapBytes()),
                options.swapFile(),
                options.cpus(),
                options.cpus() == 1 ? Execution.STEPPED : Execution.THREADED,
                Fidelity.CORRECTED,
                true,
                PageSize.index(options.compressedBytes()));
    }

    @Override
    public void cancel() {
        cancelled = true;
        @Nullable Replay replay = running;
        if (replay != null) {
            replay.cancel();
        }
    }
}
