// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The witness is on in every test; this one shows that it sees. */
class WitnessTest {
    private static final int REVERSALS = 20;

    @BeforeEach
    @AfterEach
    void nothingIsHeld() {
        Witness.forget();
    }

    @Test
    void isOn() {
        assertThat(Witness.ON).isTrue();
    }

    @Test
    void findsEveryReversal() {
        long seed = System.nanoTime();
        System.out.println("WitnessTest seed " + seed);
        Random random = new Random(seed);
        LockRank[] ranks = LockRank.values();
        for (int i = 0; i < REVERSALS; i++) {
            int later = 1 + random.nextInt(ranks.length - 1);
            int earlier = random.nextInt(later);
            KernelLock inner = new KernelLock(ranks[later], "inner");
            KernelLock outer = new KernelLock(ranks[earlier], "outer");
            inner.lock();
            assertThatThrownBy(outer::lock)
                    .as("%s under %s", ranks[earlier], ranks[later])
                    .isInstanceOf(KernelPanic.class)
                    .hasMessageContaining("reversal")
                    .satisfies(panic -> assertThat(panic.getSuppressed()).hasSize(1));
            Witness.forget();
        }
    }

    @Test
    void letsEveryThreadGoDownTheOrder() {
        KernelLock[] locks = new KernelLock[LockRank.values().length];
        for (LockRank rank : LockRank.values()) {
            locks[rank.ordinal()] = new KernelLock(rank, rank.name());
            locks[rank.ordinal()].lock();
        }
        assertThat(Witness.heldByCaller()).isEqualTo(locks.length);
        for (KernelLock lock : locks) {
            lock.unlock();
        }
        assertThat(Witness.heldByCaller()).isZero();
    }

    @Test
    void letsTwoObjectsButNoTwoOthersOfOneRank() {
        for (LockRank rank : LockRank.values()) {
            KernelLock first = new KernelLock(rank, "first");
            KernelLock second = new KernelLock(rank, "second");
            first.lock();
            if (rank == LockRank.OBJECT) {
                second.lock();
                second.unlock();
            } else {
                assertThatThrownBy(second::lock).as("%s", rank).isInstanceOf(KernelPanic.class);
            }
            Witness.forget();
        }
    }

    @Test
    void aTryMayGoAgainstTheOrder() {
        KernelLock page = new KernelLock(LockRank.PMAP, "pmap");
        KernelLock object = new KernelLock(LockRank.OBJECT, "object");
        page.lock();
        assertThat(object.tryLock()).isTrue();
        object.unlock();
        page.unlock();
    }

    @Test
    void onlyAVnodeMayBeHeldAcrossIo() {
        for (LockRank rank : LockRank.values()) {
            KernelLock lock = new KernelLock(rank, "held");
            lock.lock();
            if (rank == LockRank.VNODE) {
                Witness.beforeIo();
            } else {
                assertThatThrownBy(Witness::beforeIo).as("%s", rank).hasMessageContaining("I/O");
            }
            lock.unlock();
        }
    }

    /**
     * A stepped machine has one thread: what it does for the daemon while somebody sleeps holds nothing of the
     * sleeper's.
     */
    @Test
    void whatOthersDoDuringASleepHoldsNothing() {
        KernelLock map = new KernelLock(LockRank.ADDRESS_SPACE, "map");
        map.lock();
        Witness.duringSleep("vmwait", Witness::beforeIo);
        assertThat(Witness.heldByCaller()).isEqualTo(1);
        assertThatThrownBy(Witness::beforeIo).isInstanceOf(KernelPanic.class);
        KernelLock object = new KernelLock(LockRank.OBJECT, "object");
        object.lock();
        assertThatThrownBy(() -> Witness.duringSleep("vmwait", () -> {}))
                .isInstanceOf(KernelPanic.class)
                .hasMessageContaining("vmwait");
    }

    @Test
    void nobodySleepsUnderAnObjectsLock() {
        SleepQueue queue = new ThreadSleepQueue();
        KernelLock object = new KernelLock(LockRank.OBJECT, "object");
        KernelLock dropped = new KernelLock(LockRank.PAGE, "page");
        object.lock();
        dropped.lock();
        assertThatThrownBy(() -> queue.sleep(this, dropped, "forever"))
                .isInstanceOf(KernelPanic.class)
                .hasMessageContaining("forever");
    }
}
