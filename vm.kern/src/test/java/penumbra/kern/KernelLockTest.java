// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KernelLockTest {
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "vm object");

    @AfterEach
    void nothingIsHeld() {
        Witness.forget();
    }

    @Test
    void isHeldByItsTakerAlone() throws InterruptedException {
        lock.lock();
        assertThat(lock.isHeld()).isTrue();
        lock.assertHeld();
        List<Boolean> seen = new ArrayList<>();
        Thread other = new Thread(() -> {
            seen.add(lock.isHeld());
            seen.add(lock.tryLock());
        });
        other.start();
        other.join();
        assertThat(seen).containsExactly(false, false);
        lock.unlock();
        assertThat(lock.isHeld()).isFalse();
        lock.assertNotHeld();
    }

    @Test
    void isNotRecursive() {
        lock.lock();
        assertThatThrownBy(lock::lock).isInstanceOf(KernelPanic.class).hasMessageContaining("vm object");
        assertThatThrownBy(lock::tryLock).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(lock::assertNotHeld).isInstanceOf(KernelPanic.class);
        lock.unlock();
    }

    @Test
    void cannotBeReleasedByOthers() {
        assertThatThrownBy(lock::unlock).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(lock::assertHeld).isInstanceOf(KernelPanic.class);
    }

    @Test
    void excludesOthers() throws InterruptedException {
        int threads = 4;
        int rounds = 20_000;
        long[] count = {0};
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> {
                awaitQuietly(start);
                for (int round = 0; round < rounds; round++) {
                    lock.lock();
                    count[0]++;
                    lock.unlock();
                }
            });
            thread.start();
            all.add(thread);
        }
        start.countDown();
        for (Thread thread : all) {
            thread.join();
        }
        assertThat(count[0]).isEqualTo((long) threads * rounds);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
