// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;

/**
 * Programs on all CPUs of a machine, a thread for each, that fault, write, fork and exit until they are told to end,
 * and rest when they are asked to.
 */
final class Crowd {
    private static final int DEPTH = 3;
    private static final int BURST = 24;

    private final Outages outages;
    private final Function<Cpu, ModelProgram> programs;
    private final long seed;
    private final List<ModelProgram> first = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    /** Handed out as the programs go on. */
    private final Semaphore progress = new Semaphore(0);

    // Guarded by this.
    private boolean pausing;
    private int resting;
    private @Nullable Throwable failure;
    private int killed;

    private volatile boolean done;

    /** @param programs makes the first program of a CPU, and the next when that was killed */
    Crowd(List<Cpu> cpus, Outages outages, long seed, Function<Cpu, ModelProgram> programs) {
        this.outages = outages;
        this.programs = programs;
        this.seed = seed;
        for (Cpu cpu : cpus) {
            ModelProgram program = programs.apply(cpu);
            first.add(program);
            threads.add(new Thread(() -> serve(cpu), "cpu " + cpu.number()));
        }
        threads.forEach(Thread::start);
    }

    private void serve(Cpu cpu) {
        try {
            SplittableRandom random = new SplittableRandom(seed + cpu.number());
            while (!done) {
                live(random, program(cpu), 0);
                if (program(cpu).killed()) {
                    replace(cpu);
                }
            }
            program(cpu).checkAll();
        } catch (Throwable e) {
            fail(e);
        }
        retire();
    }

    private synchronized ModelProgram program(Cpu cpu) {
        return first.get(cpu.number());
    }

    private void replace(Cpu cpu) {
        ModelProgram dead = program(cpu);
        ModelProgram next = programs.apply(cpu);
        synchronized (this) {
            first.set(cpu.number(), next);
        }
        dead.exit();
    }

    /** Lets a program and its children run; returns when all is done or it was killed, or sooner for a child. */
    private void live(SplittableRandom random, ModelProgram program, int depth) throws InterruptedException {
        int turns = depth == 0 ? Integer.MAX_VALUE : 2 + random.nextInt(12);
        for (int i = 0; i < turns && !done && !program.killed(); i++) {
            program.access(BURST, random);
            progress.release();
            restIfAsked();
            int dice = random.nextInt(24);
            if (dice == 0 && depth < DEPTH && !program.killed()) {
                ModelProgram child = program.fork();
                live(random, child, depth + 1);
                program.run();
                child.exit();
            } else if (dice == 1) {
                program.renew(random);
            } else if (dice == 2) {
                program.sync();
            }
        }
        if (program.killed()) {
            mourn(program);
        }
    }

    /** Memory may run out while stores are away, and only then. */
    private synchronized void mourn(ModelProgram program) {
        killed++;
        if (!outages.any()) {
            throw new AssertionError(program.killReason());
        }
    }

    private synchronized void fail(Throwable problem) {
        if (failure == null) {
            failure = problem;
        }
        notifyAll();
    }

    private synchronized void restIfAsked() throws InterruptedException {
        if (pausing) {
            resting++;
            notifyAll();
            while (pausing) {
                wait();
            }
            resting--;
        }
    }

    /** Who has ended rests for ever. */
    private synchronized void retire() {
        resting++;
        notifyAll();
    }

    /** Asks all to rest; returns whether they do, which may take as long as parts of the machine are away. */
    synchronized boolean rest(long patienceMillis) throws InterruptedException {
        pausing = true;
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        while (resting < threads.size() && failure == null) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (outages.any() && left <= 0) {
                return false;
            }
            wait(outages.any() ? left : 100);
        }
        check();
        return true;
    }

    /** Lets all go on. */
    synchronized void goOn() {
        pausing = false;
        notifyAll();
    }

    /** Lets the programs make some accesses; if they can, parts of the machine being away. */
    void advance(int bursts, long patienceMillis) throws InterruptedException {
        progress.tryAcquire(bursts, patienceMillis, TimeUnit.MILLISECONDS);
        check();
    }

    /** Throws what ended a program. */
    private synchronized void check() {
        @Nullable Throwable problem = failure;
        if (problem != null) {
            throw new AssertionError(problem.getMessage(), problem);
        }
    }

    /** Ends all programs after each has looked at all its memory. */
    List<ModelProgram> end() throws InterruptedException {
        done = true;
        goOn();
        for (Thread thread : threads) {
            thread.join();
        }
        check();
        return first;
    }

    synchronized int killed() {
        return killed;
    }
}
