// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The watcher of the lock order: it knows which locks each thread holds and panics on a reversal, on a sleep under a
 * lock that must not be slept under, and on pager I/O under any lock but a vnode's.
 *
 * <p>On when the system property {@code penumbra.witness} is {@code true} as this class is loaded, which every test
 * does. When it is off the checks are constant-folded away and cost nothing.
 */
public final class Witness {
    /** Whether the witness watches. */
    public static final boolean ON = Boolean.getBoolean("penumbra.witness");

    private static final ThreadLocal<ArrayList<Held>> HELD = ThreadLocal.withInitial(ArrayList::new);

    private static volatile @Nullable LockWatcher watcher;

    private Witness() {}

    /** Lets {@code other} watch all locks from now on; null for nobody. In vain while the witness is off. */
    public static void watch(@Nullable LockWatcher other) {
        watcher = other;
    }

    /** One lock in a thread's hands and where it was taken. */
    private record Held(KernelLock lock, Throwable taken) {}

    static void beforeLock(KernelLock lock) {
        @Nullable Held blocker = null;
        for (Held held : HELD.get()) {
            int order = held.lock.rank().compareTo(lock.rank());
            if (order > 0 || (order == 0 && !lock.rank().allowsSame())) {
                blocker = held;
            }
        }
        if (blocker != null) {
            KernelPanic panic =
                    new KernelPanic("witness: lock order reversal: %s wanted while %s is held", lock, blocker.lock);
            panic.addSuppressed(blocker.taken);
            throw panic;
        }
        @Nullable LockWatcher told = watcher;
        if (told != null) {
            told.wanted(lock);
        }
    }

    static void afterLock(KernelLock lock) {
        HELD.get().add(new Held(lock, new Throwable("taken here: " + lock)));
        @Nullable LockWatcher told = watcher;
        if (told != null) {
            told.taken(lock);
        }
    }

    static void spinning() {
        @Nullable LockWatcher told = watcher;
        if (told != null) {
            told.spinning();
        }
    }

    static void beforeUnlock(KernelLock lock) {
        @Nullable LockWatcher told = watcher;
        if (told != null) {
            told.released(lock);
        }
        List<Held> locks = HELD.get();
        for (int i = locks.size() - 1; i >= 0; i--) {
            if (locks.get(i).lock == lock) {
                locks.remove(i);
                return;
            }
        }
    }

    /**
     * Says that the calling thread is about to sleep with {@code dropped} released; panics when it holds another lock
     * from {@link LockRank#OBJECT} on.
     */
    static void beforeSleep(@Nullable KernelLock dropped, String waitMessage) {
        for (Held held : HELD.get()) {
            if (held.lock != dropped && held.lock.rank().compareTo(LockRank.OBJECT) >= 0) {
                KernelPanic panic = new KernelPanic("witness: sleep on \"%s\" with %s held", waitMessage, held.lock);
                panic.addSuppressed(held.taken);
                throw panic;
            }
        }
    }

    /** Says that the calling thread is about to do pager I/O; panics when it holds any lock but a vnode's. */
    public static void beforeIo() {
        if (!ON) {
            return;
        }
        for (Held held : HELD.get()) {
            if (!held.lock.rank().allowsIo()) {
                KernelPanic panic = new KernelPanic("witness: pager I/O with %s held", held.lock);
                panic.addSuppressed(held.taken);
                throw panic;
            }
        }
    }

    /**
     * Runs what others do while the calling thread sleeps, in a machine that has only this thread: they hold nothing.
     *
     * @param waitMessage of the sleep, which must be allowed here
     */
    public static void duringSleep(String waitMessage, Runnable work) {
        if (!ON) {
            work.run();
            return;
        }
        beforeSleep(null, waitMessage);
        ArrayList<Held> sleeper = HELD.get();
        HELD.remove();
        try {
            work.run();
        } finally {
            HELD.set(sleeper);
        }
    }

    /**
     * Forgets what the calling thread holds: a machine that ended in a panic never unlocks, and a new one is about to
     * boot.
     */
    public static void forget() {
        if (ON) {
            HELD.remove();
        }
    }

    /** How many locks the calling thread holds; 0 when the witness is off. */
    public static int heldByCaller() {
        return ON ? HELD.get().size() : 0;
    }
}
