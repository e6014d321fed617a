// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.pager.MemoryStore;

class SwapLedgerTest {
    private static final long PAGE = 4096;
    private static final Cred USER = new Cred(7);

    private final TestKernel kernel = TestKernel.stepped(256, Fidelity.CORRECTED);
    private final SwapAccounting ledger = kernel.layer.accounting();

    @AfterEach
    void shutDown() {
        kernel.close();
    }

    @Test
    void allowsEverythingUnlessTold() {
        assertThat(ledger.overcommit()).isZero();
        assertThat(ledger.reserve(1L << 40, USER)).isTrue();
        assertThat(ledger.reserved()).isEqualTo(1L << 40);
        ledger.release(1L << 40, USER);
        assertThat(ledger.reserved()).isZero();
    }

    @Test
    void theTotalLimitIsAllSwapAndMemoryIfAsked() {
        kernel.layer.attach(new MemoryStore(100), 0);
        ledger.setOvercommit(SwapAccounting.LIMIT_TOTAL);
        assertThat(ledger.reserve(100 * PAGE, USER)).isTrue();
        assertThat(ledger.reserve(PAGE, USER)).isFalse();
        assertThat(ledger.reserve(PAGE, Cred.ROOT)).as("privileged").isTrue();
        ledger.reserveForce(PAGE, USER);
        assertThat(ledger.reserved()).isEqualTo(102 * PAGE);
        assertThat(ledger.reserved(7)).isEqualTo(101 * PAGE);
        ledger.release(102 * PAGE - PAGE, USER);
        ledger.release(PAGE, Cred.ROOT);

        ledger.setOvercommit(SwapAccounting.LIMIT_TOTAL | SwapAccounting.COUNT_MEMORY);
        long memory = (long) kernel.pages.limits().pageCount()
                - kernel.pages.limits().freeReserved()
                - kernel.pages.counts().wired();
        assertThat(ledger.reserve((100 + memory) * PAGE, USER)).isTrue();
        assertThat(ledger.reserve(PAGE, USER)).isFalse();
        ledger.release((100 + memory) * PAGE, USER);
    }

    @Test
    void aUsersLimitRollsBackTheTotal() {
        ledger.setUserLimit(7, 10 * PAGE);
        assertThat(ledger.reserve(11 * PAGE, USER)).as("not enforced").isTrue();
        ledger.release(11 * PAGE, USER);
        ledger.setOvercommit(SwapAccounting.LIMIT_USER);
        assertThat(ledger.reserve(10 * PAGE, USER)).isTrue();
        assertThat(ledger.reserve(PAGE, USER)).isFalse();
        assertThat(ledger.reserved()).isEqualTo(10 * PAGE);
        assertThat(ledger.reserve(PAGE, new Cred(8))).isTrue();
    }

    @Test
    void tooMuchBackPanics() {
        ledger.reserve(2 * PAGE, USER);
        ledger.reserve(2 * PAGE, new Cred(8));
        // On a thread of its own: a panic keeps its locks.
        assertThatThrownBy(() -> CompletableFuture.runAsync(
                                () -> ledger.release(3 * PAGE, USER), task -> new Thread(task).start())
                        .get())
                .hasCauseInstanceOf(KernelPanic.class);
    }

    @Test
    void partsOfPagesPanic() {
        assertThatThrownBy(() -> ledger.reserve(100, USER)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void nonsenseBitsAreRefused() {
        assertThatThrownBy(() -> ledger.setOvercommit(8)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nothingIsLostBetweenThreads() throws Exception {
        kernel.layer.attach(new MemoryStore(1000), 0);
        ledger.setOvercommit(SwapAccounting.LIMIT_TOTAL | SwapAccounting.LIMIT_USER);
        int threads = 8;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        CountDownLatch start = new CountDownLatch(1);
        List<Future<Long>> kept = new ArrayList<>();
        try {
            for (int t = 0; t < threads; t++) {
                Cred cred = new Cred(1 + t % 3);
                ledger.setUserLimit(cred.uid(), 500 * PAGE);
                Random random = new Random(t);
                kept.add(pool.submit(() -> {
                    start.await();
                    long mine = 0;
                    for (int i = 0; i < 20_000; i++) {
                        long bytes = random.nextInt(20) * PAGE;
                        if (random.nextBoolean() && ledger.reserve(bytes, cred)) {
                            mine += bytes;
                        } else if (bytes <= mine) {
                            ledger.release(bytes, cred);
                            mine -= bytes;
                        }
                    }
                    return mine;
                }));
            }
            start.countDown();
            long sum = 0;
            for (Future<Long> each : kept) {
                sum += each.get();
            }
            assertThat(ledger.reserved()).isEqualTo(sum).isLessThanOrEqualTo(1000 * PAGE);
            assertThat(ledger.reserved(1) + ledger.reserved(2) + ledger.reserved(3))
                    .isEqualTo(sum);
            kernel.check();
        } finally {
            pool.shutdownNow();
        }
    }
}
