// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageDaemon;

@Timeout(60)
class ShortageTest {
    private static final int PAGES = 123;
    private static final int MIN = 46;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Fixture f;
    private TestOwner owner;

    /** Records the waits of a stepped machine. */
    private static final class SteppedDaemon implements PageDaemon {
        final List<String> waits = new ArrayList<>();
        Runnable scan = () -> {};

        @Override
        public void wakeup() {}

        @Override
        public void step(String waitMessage) {
            waits.add(waitMessage);
            scan.run();
        }
    }

    @AfterEach
    void end() {
        f.close();
        threads.shutdownNow();
    }

    private void boot(Fixture fixture) {
        f = fixture;
        owner = f.lockedOwner("owner");
    }

    /** Leaves {@code available} pages. */
    private void takeAllBut(int available) {
        while (f.pages.counts().available() > available) {
            f.pages.alloc(owner, owner.pages.count(), Alloc.INTERRUPT | Alloc.NOBUSY);
        }
    }

    private void freeOne() {
        owner.lock.lock();
        f.pages.free(owner.pages.last());
        owner.lock.unlock();
    }

    private boolean sleeping(String waitMessage, Thread thread) {
        return waitMessage.equals(f.machine.sleepQueue().waitMessage(thread));
    }

    @Test
    void aSteppedMachineRunsTheDaemonInstead() {
        boot(Fixture.stepped(PAGES));
        owner.lock.unlock();
        assertThatThrownBy(() -> f.pages.waitForMemory("vmwait"))
                .isInstanceOfSatisfying(
                        WouldBlock.class, e -> assertThat(e.waitMessage()).isEqualTo("vmwait"));
        SteppedDaemon daemon = new SteppedDaemon();
        f.pages.setDaemon(daemon);
        f.pages.waitForMemory("vmwait");
        f.pages.waitForFaultMemory("pfault");
        assertThat(daemon.waits).containsExactly("vmwait", "pfault");
        owner.lock.lock();
        takeAllBut(42);
        daemon.scan = () -> {
            assertThat(owner.lock.isHeld()).isFalse();
            freeOne();
        };
        assertThat(f.pages.grab(owner, 500, 0)).isNotNull();
        assertThat(daemon.waits).containsExactly("vmwait", "pfault", "vmwait");
        owner.lock.unlock();
        f.pages.setDaemon(null);
        assertThatThrownBy(() -> f.pages.waitForMemory("vmwait")).isInstanceOf(WouldBlock.class);
    }

    @Test
    void theDaemonDoesNotWaitForItself() {
        boot(Fixture.stepped(PAGES));
        f.pages.setDaemon(new SteppedDaemon());
        f.pages.setDaemonThread(true);
        assertThatThrownBy(() -> f.pages.waitForMemory("vmwait")).isInstanceOf(KernelPanic.class);
    }

    @Test
    void nobodyWaitsForWhatIsThere() {
        boot(Fixture.threaded(PAGES));
        takeAllBut(44);
        owner.lock.unlock();
        f.pages.waitForFaultMemory("pfault");
        freeOne();
        freeOne();
        f.pages.waitForMemory("vmwait");
        assertThat(f.pages.counts().available()).isEqualTo(MIN);
        assertThat(f.pages.counts().severe()).isFalse();
        assertThat(f.pages.counts().belowMin()).isFalse();
        assertThat(f.pages.counts().belowTarget()).isTrue();
        assertThat(f.pages.counts().pagingNeeded()).isFalse();
    }

    @Test
    void everybodyWakesWhenTheMinimumIsReached() throws Exception {
        boot(Fixture.threaded(PAGES));
        takeAllBut(41);
        owner.lock.unlock();
        List<Thread> sleepers = new ArrayList<>();
        for (String message : List.of("vmwait", "pfault")) {
            Thread thread = new Thread(() -> {
                if (message.equals("vmwait")) {
                    f.pages.waitForMemory(message);
                } else {
                    f.pages.waitForFaultMemory(message);
                }
            });
            thread.start();
            sleepers.add(thread);
            BusyTest.waitUntil(() -> sleeping(message, thread));
        }
        for (int free = 42; free < MIN; free++) {
            freeOne();
            assertThat(sleeping("vmwait", sleepers.get(0))).isTrue();
            assertThat(sleeping("pfault", sleepers.get(1))).isTrue();
        }
        freeOne();
        for (Thread thread : sleepers) {
            thread.join();
        }
        assertThat(f.pages.counts().available()).isEqualTo(MIN);
    }

    @Test
    void cachingAPageCountsAsFreeingIt() throws Exception {
        boot(Fixture.threaded(PAGES));
        owner.backed = null;
        takeAllBut(MIN - 1);
        owner.lock.unlock();
        Thread sleeper = new Thread(() -> f.pages.waitForMemory("vmwait"));
        sleeper.start();
        BusyTest.waitUntil(() -> sleeping("vmwait", sleeper));
        owner.lock.lock();
        owner.page(3).setValid(Page.ALL);
        f.pages.cache(owner.page(3));
        owner.lock.unlock();
        sleeper.join();
        assertThat(f.pages.counts().cache()).isEqualTo(1);
    }

    @Test
    void sleepersCanBeWokenWithoutMemory() throws Exception {
        boot(Fixture.threaded(PAGES));
        takeAllBut(10);
        owner.lock.unlock();
        Thread sleeper = new Thread(() -> f.pages.waitForMemory("vmwait"));
        sleeper.start();
        BusyTest.waitUntil(() -> sleeping("vmwait", sleeper));
        f.pages.wakeMemoryWaiters();
        sleeper.join();
        assertThat(f.pages.counts().available()).isEqualTo(10);
    }

    @Test
    void grabLetsTheOwnerGoWhileItWaits() throws Exception {
        boot(Fixture.threaded(PAGES));
        takeAllBut(42);
        owner.lock.unlock();
        Future<Page> grab = threads.submit(() -> {
            owner.lock.lock();
            Page page = f.pages.grab(owner, 1000, 0);
            owner.lock.unlock();
            return page;
        });
        BusyTest.waitUntil(() -> f.pages.counts().deficit() == 1);
        for (int free = 42; free < MIN; free++) {
            freeOne();
        }
        assertThat(grab.get().pindex()).isEqualTo(1000);
        assertThat(f.pages.counts().available()).isEqualTo(MIN - 1);
    }
}
