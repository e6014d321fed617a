// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockWatcher;
import penumbra.kern.SleepQueue;
import penumbra.kern.Witness;

/**
 * Threads of which exactly one runs at a time, and a seed that decides who goes on at each lock, sleep, transfer, and
 * access to a table: the same seed gives the same run, and a run in which nobody can go on ends with a picture of who
 * waits for what.
 *
 * <p>Needs the {@link Witness}, and a machine booted with {@link #interposed}, which has no threads of its own. A
 * thread is not disturbed between two of its programs' accesses to memory ({@link #user}), so shooters never wait for a
 * CPU. After a run that failed its threads stay where they were.
 */
public final class Schedule implements LockWatcher {
    /** Chances to go on undisturbed, of which each run has one: from much to little contention. */
    private static final double[] STAYING = {0.6, 0.85, 0.95, 0.99};

    /** Rounds of each attendant, after none of which a task could go on, after which none ever will. */
    private static final int VAIN_ROUNDS = 200;

    /** Decisions after which a run is taken to be endless. */
    private static final int MOST_DECISIONS = 20_000_000;

    /** Without a decision for so long, there will be none: they take microseconds. */
    private static final long SILENCE_SECONDS = 60;

    private final SplittableRandom random;
    private final double staying;
    private final List<Task> tasks = new ArrayList<>();
    private final Map<KernelLock, Task> owners = new IdentityHashMap<>();
    private final SleepQueue sleepQueue = new ScheduledSleepQueue(this);
    private final CountDownLatch over = new CountDownLatch(1);
    private final AtomicInteger decisions = new AtomicInteger();
    private volatile boolean booted;
    private volatile @Nullable Throwable failure;

    /** A schedule without threads. */
    public Schedule(long seed) {
        random = new SplittableRandom(seed);
        staying = STAYING[random.nextInt(STAYING.length)];
        if (!Witness.ON) {
            throw new IllegalStateException("a schedule needs the witness: -Dpenumbra.witness=true");
        }
    }

    /** One of the threads; all of this class's state belongs to the one that runs. */
    private final class Task extends Thread {
        final Runnable body;
        final boolean attendant;
        final Semaphore turn = new Semaphore(0);
        /** The lock or channel that the thread waits for; null when it could go on. */
        @Nullable
        Object waitsFor;

        String why = "";
        int undisturbed;
        int vainRounds;
        boolean ended;

        Task(String name, Runnable body, boolean attendant) {
            super(name);
            this.body = body;
            this.attendant = attendant;
            setDaemon(true);
        }

        @Override
        public void run() {
            turn.acquireUninterruptibly();
            try {
                body.run();
                while (attendant && !tasksEnded()) {
                    vainRounds++;
                    endRound();
                    body.run();
                }
                ended = true;
                if (allEnded()) {
                    over.countDown();
                } else {
                    handOver(this, choose(this, 0));
                }
            } catch (Stuck stuck) {
                fail(stuck);
            } catch (Throwable thrown) {
                fail(new AssertionError(picture(getName() + " failed: " + thrown), thrown));
            }
        }

        boolean ready() {
            return !ended && waitsFor == null;
        }
    }

    /** The end of a run in which nobody can or may go on. */
    private static final class Stuck extends AssertionError {
        private static final long serialVersionUID = 1L;

        Stuck(String picture) {
            super(picture);
        }

        Stuck(String picture, Throwable cause) {
            super(picture, cause);
        }
    }

    // Building and running

    /** Adds a thread that has something to do. */
    public void task(String name, Runnable body) {
        tasks.add(new Task(name, body, false));
    }

    /** Adds a thread that does one round of its work again and again until all tasks have ended. */
    public void attendant(String name, Runnable round) {
        tasks.add(new Task(name, round, true));
    }

    /** Runs all threads to their end; throws what the first one threw that failed, or that nobody could go on. */
    public void run() {
        Witness.watch(this);
        try {
            tasks.forEach(Thread::start);
            tasks.get(random.nextInt(tasks.size())).turn.release();
            awaitEnd();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            Witness.watch(null);
        }
        @Nullable Throwable thrown = failure;
        if (thrown != null) {
            throw new AssertionError(thrown.getMessage(), thrown);
        }
    }

    /** Waits for the end, unless one thread keeps the turn for ever, in a wait that is not the schedule's. */
    private void awaitEnd() throws InterruptedException {
        int before = -1;
        while (!over.await(SILENCE_SECONDS, TimeUnit.SECONDS)) {
            int now = decisions.get();
            if (now == before) {
                throw new AssertionError(picture("no decision any more"));
            }
            before = now;
        }
    }

    /** What has to stand between the layers of the machine whose threads these are. */
    public Interposed interposed() {
        return Interposed.NOTHING
                .withMachine(machine -> new ScheduledMachine(machine, this))
                .withMemory(memory -> new ScheduledMemory(memory, this))
                .withMmu(mmu -> new ScheduledMmu(mmu, this))
                .withStore(store -> new ScheduledStore(store, this));
    }

    /** Lets waits for memory sleep from now on, as on a machine with threads: the machine has been booted. */
    public void booted() {
        booted = true;
    }

    boolean isBooted() {
        return booted;
    }

    /** Lets {@code program} access memory in user mode on {@code cpu}, once the calling thread is chosen again. */
    public <T> T user(Cpu cpu, Supplier<T> program) {
        point();
        return undisturbed(() -> {
            cpu.enterUser();
            try {
                return program.get();
            } finally {
                cpu.leaveUser();
            }
        });
    }

    // Decisions

    /** A place where another thread may go on instead; does nothing in a thread that is not of this schedule. */
    public void point() {
        Task task = current();
        if (task != null && task.undisturbed == 0) {
            Task next = choose(task, staying);
            if (next != task) {
                handOver(task, next);
            }
        }
    }

    /** Does something during which no other thread goes on, unless it needs a lock that one has. */
    <T> T undisturbed(Supplier<T> action) {
        Task task = current();
        if (task == null) {
            return action.get();
        }
        task.undisturbed++;
        try {
            return action.get();
        } finally {
            task.undisturbed--;
        }
    }

    /** Does something inside {@link #undisturbed} that may be disturbed all the same: a trap of a program. */
    <T> T disturbed(Supplier<T> action) {
        Task task = current();
        if (task == null) {
            return action.get();
        }
        int before = task.undisturbed;
        task.undisturbed = 0;
        try {
            return action.get();
        } finally {
            task.undisturbed = before;
        }
    }

    /**
     * Waits until somebody wakes {@code channel}, with {@code lock} given back; false when nobody schedules the caller.
     */
    boolean block(Object channel, KernelLock lock, String why) {
        Task task = current();
        if (task == null) {
            return false;
        }
        lock.unlock();
        await(task, channel, why);
        return true;
    }

    void wakeup(Object channel) {
        for (Task task : tasks) {
            if (task.waitsFor == channel) {
                task.waitsFor = null;
            }
        }
    }

    /** Ends the run: the machine was halted. */
    void halt(KernelPanic cause) {
        Task task = current();
        if (task != null) {
            throw new Stuck(picture("halted by " + task.getName() + ": " + cause), cause);
        }
    }

    @Nullable
    String waitMessage(Thread thread) {
        return thread instanceof Task task && task.waitsFor != null ? task.why : null;
    }

    SleepQueue sleepQueue() {
        return sleepQueue;
    }

    @Override
    public void wanted(KernelLock lock) {
        point();
        Task task = current();
        while (task != null && owners.containsKey(lock)) {
            await(task, lock, "the lock");
        }
    }

    @Override
    public void spinning() {
        Task task = current();
        if (task != null) {
            Task next = choose(task, 0);
            if (next != task) {
                handOver(task, next);
            }
        }
    }

    @Override
    public void taken(KernelLock lock) {
        Task task = current();
        if (task != null) {
            owners.put(lock, task);
        }
    }

    @Override
    public void released(KernelLock lock) {
        if (current() != null) {
            owners.remove(lock);
            wakeup(lock);
        }
    }

    private @Nullable Task current() {
        return Thread.currentThread() instanceof Task task && tasks.contains(task) ? task : null;
    }

    private void await(Task task, Object lockOrChannel, String why) {
        task.waitsFor = lockOrChannel;
        task.why = why;
        handOver(task, choose(task, 0));
    }

    private Task choose(Task from, double staying) {
        if (decisions.incrementAndGet() > MOST_DECISIONS) {
            throw new Stuck(picture("no end after " + MOST_DECISIONS + " decisions"));
        }
        boolean mayStay = from.ready();
        if (mayStay && random.nextDouble() < staying) {
            return from;
        }
        int ready = 0;
        for (Task task : tasks) {
            ready += task.ready() ? 1 : 0;
        }
        if (ready == 0) {
            throw new Stuck(picture("deadlock"));
        }
        int chosen = random.nextInt(ready);
        for (Task task : tasks) {
            if (task.ready() && chosen-- == 0) {
                return task;
            }
        }
        throw new IllegalStateException("nobody was chosen");
    }

    private static void handOver(Task from, Task next) {
        next.turn.release();
        if (!from.ended) {
            from.turn.acquireUninterruptibly();
        }
    }

    private void endRound() {
        boolean vain = true;
        boolean taskReady = false;
        for (Task task : tasks) {
            if (task.ready()) {
                taskReady |= !task.attendant;
                vain &= task.vainRounds > VAIN_ROUNDS;
            }
        }
        if (taskReady) {
            tasks.forEach(task -> task.vainRounds = 0);
        } else if (vain) {
            throw new Stuck(picture("nobody wakes the tasks"));
        }
        point();
    }

    private boolean tasksEnded() {
        for (Task task : tasks) {
            if (!task.attendant && !task.ended) {
                return false;
            }
        }
        return true;
    }

    private boolean allEnded() {
        for (Task task : tasks) {
            if (!task.ended) {
                return false;
            }
        }
        return true;
    }

    private void fail(Throwable thrown) {
        failure = thrown;
        over.countDown();
    }

    @Override
    public String toString() {
        return decisions + " decisions, then " + random.split().nextLong();
    }

    private String picture(String what) {
        StringBuilder picture = new StringBuilder(what);
        for (Task task : tasks) {
            picture.append(String.format(
                    Locale.ROOT,
                    "%n%s: %s",
                    task.getName(),
                    task.ended ? "ended" : task.waitsFor == null ? "ready" : "waits for " + task.why));
            if (task.waitsFor instanceof KernelLock lock) {
                Task owner = owners.get(lock);
                picture.append(' ').append(lock).append(" of ").append(owner == null ? "nobody" : owner.getName());
            }
            for (StackTraceElement frame : task.ended ? new StackTraceElement[0] : task.getStackTrace()) {
                if (frame.getClassName().startsWith("penumbra.")) {
                    picture.append(String.format(Locale.ROOT, "%n    %s", frame));
                }
            }
        }
        return picture.toString();
    }
}
