// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SleepQueueTest {
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "vm object");
    private final Object channel = new Object();
    private final ThreadSleepQueue queue = new ThreadSleepQueue();

    @AfterEach
    void nothingIsHeld() {
        Witness.forget();
    }

    @Test
    void noWakeupIsLostBetweenReleaseAndSleep() throws InterruptedException {
        int turns = 20_000;
        int[] turn = {0};
        Thread other = new Thread(() -> alternate(turn, 1, turns));
        other.start();
        alternate(turn, 0, turns);
        other.join();
        assertThat(turn[0]).isEqualTo(2 * turns);
    }

    /** Waits for its parity, passes the turn on, and wakes the other: a lost wake-up would leave both asleep. */
    private void alternate(int[] turn, int parity, int turns) {
        for (int i = 0; i < turns; i++) {
            lock.lock();
            while (turn[0] % 2 != parity) {
                queue.sleep(channel, lock, "turn");
            }
            turn[0]++;
            queue.wakeup(channel);
            lock.unlock();
        }
    }

    @Test
    void aSleeperIsSeenAndKeepsItsInterrupt() throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        AtomicBoolean interrupted = new AtomicBoolean();
        Thread sleeper = new Thread(() -> {
            lock.lock();
            while (!done.get()) {
                queue.sleep(channel, lock, "objtrm");
            }
            lock.unlock();
            interrupted.set(Thread.currentThread().isInterrupted());
        });
        sleeper.start();
        while (!"objtrm".equals(queue.waitMessage(sleeper))) {
            Thread.onSpinWait();
        }
        sleeper.interrupt();
        lock.lock();
        done.set(true);
        queue.wakeup(channel);
        lock.unlock();
        sleeper.join();
        assertThat(interrupted).isTrue();
        assertThat(queue.waitMessage(sleeper)).isNull();
    }

    @Test
    void aTimedSleepEnds() {
        lock.lock();
        assertThat(queue.sleepAndDrop(channel, lock, "short", TimeUnit.MILLISECONDS.toNanos(1)))
                .isFalse();
        assertThat(lock.isHeld()).isFalse();
    }

    @Test
    void whenTheMachineIsHaltedEverySleepEndsAndNoneBegins() throws InterruptedException {
        KernelPanic cause = new KernelPanic("the end");
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread sleeper = new Thread(() -> {
            lock.lock();
            queue.sleep(channel, lock, "turn");
        });
        sleeper.setUncaughtExceptionHandler((thread, end) -> thrown.set(end));
        sleeper.start();
        while (queue.waitMessage(sleeper) == null) {
            Thread.onSpinWait();
        }
        queue.halt(cause);
        sleeper.join();
        assertThat(thrown).hasValue(cause);
        queue.halt(new KernelPanic("later"));
        lock.lock();
        assertThatThrownBy(() -> queue.sleepAndDrop(channel, lock, "turn", TimeUnit.DAYS.toNanos(1)))
                .isSameAs(cause);
        assertThat(lock.isHeld()).isFalse();
    }

    @Test
    void aSteppedMachineRefusesToSleep() {
        SleepQueue stepped = new SteppedSleepQueue();
        lock.lock();
        assertThatThrownBy(() -> stepped.sleep(channel, lock, "vmocol"))
                .isInstanceOf(WouldBlock.class)
                .satisfies(e -> assertThat(((WouldBlock) e).waitMessage()).isEqualTo("vmocol"));
        lock.unlock();
    }

    @Test
    void timeMovesForwardOnly() {
        VirtualClock clock = new VirtualClock();
        clock.advance(5);
        clock.advance(0);
        assertThat(clock.nanos()).isEqualTo(5);
        assertThatThrownBy(() -> clock.advance(-1)).isInstanceOf(IllegalArgumentException.class);
    }
}
