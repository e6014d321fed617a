// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.Prot;
import penumbra.inspect.CounterSource;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.lab.model.ContentModel;
import penumbra.lab.trace.Call;
import penumbra.lab.trace.RecordedProcess;
import penumbra.lab.trace.Recording;
import penumbra.object.VmObject;

/**
 * One run of a recording on a booted machine: the run queue, what all processes share, and what is counted.
 *
 * <p>With one CPU the caller's thread runs everything, round robin. With more, each CPU has a thread that takes the
 * process at the head of the queue, runs it for a quantum and puts it back.
 */
final class Replay implements AutoCloseable {
    /** References between two looks at the clock and the page daemon. */
    static final int POLL_INTERVAL = 1_000;

    /** Virtual time of a reference, in ns: ten million a second, about what the replayer makes. */
    private static final long REFERENCE_NANOS = 100;

    /** The reader of traces, beside the threads that run CPUs. */
    private static final int READER_THREADS = 1;

    private static final int MAP_SHARED = 1;

    private final ReplayOptions options;
    private final Kernel kernel;
    private final Recording recording;
    private final Progress progress;
    private final ContentModel contents = new ContentModel();
    private final ReplayFiles files;
    private final @Nullable StoreRotation stores;
    private final @Nullable MmuRotation mmus;
    private final SplittableRandom random;
    private final Deque<ReplayedProcess> runnable = new ArrayDeque<>();
    private final AtomicLong references = new AtomicLong();
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong forks = new AtomicLong();
    private final Map<Integer, String> assumed = new TreeMap<>();
    private final long started;
    private int alive;
    private int processes;
    private int longestChain;
    private int peakResident;
    private final long swapFree;
    private long swapPeak;
    private volatile boolean sharesMemory;
    private volatile @Nullable Throwable failure;
    private volatile boolean cancelled;

    /**
     * A run of {@code recording}, which stays the caller's, on an empty machine.
     *
     * @param started when the run began to read the recording, by {@link System#nanoTime}
     */
    Replay(ReplayOptions options, Kernel kernel, Recording recording, Progress progress, long started)
            throws IOException {
        this.options = options;
        this.kernel = kernel;
        this.recording = recording;
        this.progress = progress;
        this.started = started;
        this.files = new ReplayFiles(kernel, contents, options.hostFiles(), options.seed());
        this.random = new SplittableRandom(options.seed());
        Interval swapPagerEvery = options.swapPagerEvery();
        this.stores = swapPagerEvery == null ? null : new StoreRotation(kernel, swapPagerEvery);
        Interval mmuEvery = options.mmuEvery();
        this.mmus = mmuEvery == null ? null : new MmuRotation(kernel, mmuEvery);
        this.swapFree = kernel.swap().available();
    }

    Kernel kernel() {
        return kernel;
    }

    Recording recording() {
        return recording;
    }

    ContentModel contents() {
        return contents;
    }

    ReplayFiles files() {
        return files;
    }

    /** Whether one thread runs everything. */
    boolean exclusive() {
        return options.cpus() == 1;
    }

    /** Whether some memory may be written by several processes. */
    boolean sharesMemory() {
        return sharesMemory;
    }

    String howToRepeat() {
        Interval swapPagerEvery = options.swapPagerEvery();
        Interval mmuEvery = options.mmuEvery();
        return "  repeat with: ./vm replay " + String.join(" ", options.inputs()) + " --memory " + options.memoryBytes()
                + " --swap " + options.swapBytes() + " --quantum " + options.quantum() + " --seed " + options.seed()
                + " --policy " + options.policy() + " --cpus " + options.cpus()
                + (options.compressedBytes() == 0 ? "" : " --zswap " + options.compressedBytes())
                + (swapPagerEvery == null ? "" : " --swap-pager-every " + swapPagerEvery.text())
                + " --mmu " + options.mmu()
                + (mmuEvery == null ? "" : " --mmu-every " + mmuEvery.text())
                + (options.hostFiles() ? "" : " --files generated");
    }

    /**
     * Runs everything to its end. Blocks.
     *
     * @throws RunFailed when a check failed
     * @throws KernelPanic when the machine panicked
     */
    void run() throws IOException {
        for (RecordedProcess process : recording.processes()) {
            if (process.isRoot()) {
                start(new ReplayedProcess(this, process));
            }
        }
        if (exclusive()) {
            try {
                serve(kernel.machine().cpus().get(0));
            } catch (WouldBlock e) {
                throw new RunFailed(stuck(e));
            }
        } else {
            runThreads();
        }
        if (cancelled) {
            throw new RunFailed("stopped before its end");
        }
        kernel.swap().awaitDrained();
    }

    private String stuck(WouldBlock wait) {
        return kernel.processes().all().stream()
                .filter(process -> process.killed())
                .map(process -> process.killReason())
                .findFirst()
                .orElse("out of memory: " + wait.getMessage() + "; "
                        + kernel.pages().counts().available() + " of "
                        + kernel.pages().limits().pageCount() + " pages free, "
                        + kernel.swap().available() + " of "
                        + kernel.swap().total() + " swap slots free: more of either is needed");
    }

    private void runThreads() throws IOException {
        List<Thread> threads = new ArrayList<>();
        for (Cpu cpu : kernel.machine().cpus()) {
            Thread thread = new Thread(() -> serveThread(cpu), "cpu-" + cpu.number());
            threads.add(thread);
            thread.start();
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        @Nullable Throwable thrown = failure;
        if (thrown instanceof KernelPanic panic) {
            throw panic;
        } else if (thrown instanceof IOException io) {
            throw io;
        } else if (thrown instanceof RuntimeException runtime) {
            throw runtime;
        } else if (thrown instanceof Error error) {
            throw error;
        }
    }

    private void serveThread(Cpu cpu) {
        try {
            serve(cpu);
        } catch (IOException | RuntimeException | Error e) {
            failed(e);
        }
    }

    private synchronized void failed(Throwable thrown) {
        if (failure == null) {
            failure = thrown;
        }
        notifyAll();
    }

    /** Runs processes on {@code cpu} until none is left. */
    private void serve(Cpu cpu) throws IOException {
        ReplayedProcess process = take();
        while (process != null) {
            boolean more = process.run(cpu, options.quantum());
            putBack(process, more);
            process = take();
        }
    }

    /** The next process to run; null when there is none left to wait for. */
    private synchronized @Nullable ReplayedProcess take() {
        while (runnable.isEmpty() && alive > 0 && failure == null && !cancelled && !exclusive()) {
            try {
                wait();
            } catch (InterruptedException e) {
                cancelled = true;
            }
        }
        return failure != null || cancelled ? null : runnable.poll();
    }

    private synchronized void putBack(ReplayedProcess process, boolean more) {
        if (!more) {
            alive--;
        } else if (!process.waits()) {
            runnable.add(process);
        }
        sampleChains();
        notifyAll();
    }

    /** A process is ready for the first time: by the seed, at the head or at the tail of the queue. */
    synchronized void start(ReplayedProcess process) {
        alive++;
        processes++;
        if (random.nextBoolean()) {
            runnable.addFirst(process);
        } else {
            runnable.addLast(process);
        }
        notifyAll();
    }

    /** A process has its memory back from a child that had borrowed it. */
    synchronized void resumed(ReplayedProcess process) {
        runnable.add(process);
        notifyAll();
    }

    /** {@code count} references were made: time passes, and the daemon has its turn. */
    void ran(int count) {
        long total = references.addAndGet(count);
        kernel.machine().clock().advance(count * REFERENCE_NANOS);
        if (exclusive()) {
            kernel.pageout().poll();
        }
        if (stores != null) {
            stores.poll();
        }
        if (mmus != null) {
            mmus.poll();
        }
        sample();
        progress.at(total, kernel);
        if (cancelled) {
            throw new RunFailed("stopped before its end");
        }
    }

    private synchronized void sample() {
        int used = kernel.pages().limits().pageCount() - kernel.pages().counts().available();
        peakResident = Math.max(peakResident, used);
        swapPeak = Math.max(swapPeak, swapFree - kernel.swap().available());
    }

    /** Chains change at forks and exits; each quantum's end is often enough to see the longest. */
    private void sampleChains() {
        kernel.objects().forEach(object -> {
            int length = 1;
            for (VmObject o = object.backing(); o != null; o = o.backing()) {
                length++;
            }
            longestChain = Math.max(longestChain, length);
        });
    }

    void called() {
        calls.incrementAndGet();
    }

    void forked() {
        forks.incrementAndGet();
    }

    void mapped(Call.Mmap mmap) {
        if ((mmap.flags() & MAP_SHARED) != 0 && (mmap.protection() & Prot.WRITE) != 0) {
            sharesMemory = true;
        }
    }

    /** A program has ended: what was assumed of it is known now. */
    synchronized void left(RecordedProcess process, AssumedMemory memory) {
        StringBuilder line = new StringBuilder();
        for (AssumedMemory.Range range : memory.ranges()) {
            line.append(line.length() == 0 ? "" : ", ")
                    .append(String.format(
                            "%s %#x-%#x %d pages", range.what(), range.start(), range.end(), range.pages()));
        }
        if (line.length() > 0) {
            assumed.merge(process.pid(), line.toString(), (one, other) -> one + "; then " + other);
        }
    }

    /** Asks the run to end soon. */
    synchronized void cancel() {
        cancelled = true;
        notifyAll();
    }

    /** What was counted; everything has ended. */
    synchronized Tally tally() throws IOException {
        long hits = 0;
        long walks = 0;
        long traps = 0;
        for (Cpu cpu : kernel.machine().cpus()) {
            hits += cpu.tlbHits();
            walks += cpu.walks();
            traps += cpu.traps();
        }
        Map<String, Long> counters = new TreeMap<>();
        for (CounterSource source : kernel.counters()) {
            source.forEach((name, value) -> counters.merge(name, value, Long::sum));
        }
        List<String> assumedLines = new ArrayList<>();
        assumed.forEach((pid, line) -> assumedLines.add("process " + pid + ": " + line));
        return new Tally(
                recording.references(),
                kernel.pmaps().mmuName(),
                kernel.pmaps().mmuSwitches(),
                processes,
                calls.get(),
                forks.get(),
                hits,
                walks,
                traps,
                kernel.processes().faults(),
                counters,
                kernel.objects().collapses(),
                kernel.objects().bypasses(),
                longestChain,
                stores == null ? 0 : stores.replacements(),
                peakResident,
                swapPeak,
                assumedLines,
                files.remarks(),
                recording.notes(),
                contents.peakBytesHeld(),
                contents.bytesTouched(),
                READER_THREADS,
                System.nanoTime() - started);
    }

    @Override
    public void close() throws IOException {
        files.close();
    }
}
