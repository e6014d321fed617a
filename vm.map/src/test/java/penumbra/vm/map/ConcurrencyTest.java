// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.hw.Cpu;
import penumbra.hw.Prot;
import penumbra.map.Inheritance;
import penumbra.page.Advice;
import penumbra.vm.map.Rig.User;

/** Faults against everything that changes what they fault on. Amounts are fixed, so that a run ends by itself. */
class ConcurrencyTest {
    private static final int PAGES = 32;

    /**
     * A thread of {@code user} on a CPU of its own that counts each page up, and checks that nobody else's count shows.
     */
    private static void countUp(User user, int first, int step, int rounds) {
        for (int round = 1; round <= rounds; round++) {
            for (int page = first; page < PAGES; page += step) {
                long seen = user.read(BASE + page);
                assertThat(seen).as("page %d, round %d", page, round).isEqualTo(round - 1);
                user.write(BASE + page, round);
            }
        }
    }

    /** Keeps taking pages away while others run. */
    private static void press(Rig rig, AtomicBoolean running, Random random) {
        rig.pages.setDaemonThread(true);
        while (running.get()) {
            rig.evictSome(1 + random.nextInt(8));
        }
        rig.pages.setDaemonThread(false);
    }

    /** A fork splits the parent's object while the parent's other threads fault in it. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {11, 12, 13})
    void forkAgainstFault(long seed) {
        try (Rig rig = Rig.threaded(3, 2048)) {
            Threads threads = new Threads(rig);
            User parent = rig.user("parent");
            parent.mapPrivate(BASE, PAGES);
            // An object that is larger than the entry, so that the fork splits it.
            parent.space().inherit(at(BASE + PAGES / 2), at(BASE + PAGES), Inheritance.COPY);
            parent.mapPrivate(BASE + PAGES, 8);
            parent.write(BASE + PAGES, 1);
            AtomicBoolean running = new AtomicBoolean(true);
            threads.start("presser", () -> press(rig, running, new Random(seed)));
            Thread even = threads.start("even", () -> countUp(parent.on(0), 0, 2, 60));
            Thread odd = threads.start("odd", () -> countUp(parent.on(1), 1, 2, 60));
            Random random = new Random(seed);
            threads.start("forker", () -> {
                while ((even.isAlive() || odd.isAlive()) && !threads.troubled()) {
                    User child = parent.fork("child").on(2);
                    int page = random.nextInt(PAGES);
                    long seen = child.read(BASE + page);
                    child.write(BASE + page, seen + 1_000);
                    assertThat(child.read(BASE + page)).isEqualTo(seen + 1_000);
                    child.exit();
                }
                running.set(false);
            });
            threads.join();
            for (int page = 0; page < PAGES; page++) {
                assertThat(parent.read(BASE + page)).isEqualTo(60);
            }
        }
    }

    /** Siblings come and go, so that chains collapse while the survivor faults in them. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {21, 22})
    void collapseAgainstFault(long seed) {
        try (Rig rig = Rig.threaded(2, 2048)) {
            Threads threads = new Threads(rig);
            User survivor = rig.user("survivor");
            survivor.mapPrivate(BASE, PAGES);
            for (int page = 0; page < PAGES; page++) {
                survivor.write(BASE + page, 0);
            }
            AtomicBoolean running = new AtomicBoolean(true);
            threads.start("presser", () -> press(rig, running, new Random(seed)));
            Thread counter = threads.start("counter", () -> countUp(survivor.on(0), 0, 1, 40));
            threads.start("family", () -> {
                Random random = new Random(seed);
                while (counter.isAlive() && !threads.troubled()) {
                    User child = survivor.fork("child").on(1);
                    child.write(BASE + random.nextInt(PAGES), -1);
                    User grandchild = child.fork("grandchild").on(1);
                    child.exit();
                    grandchild.write(BASE + random.nextInt(PAGES), -2);
                    grandchild.exit();
                }
                running.set(false);
            });
            threads.join();
            for (int page = 0; page < PAGES; page++) {
                assertThat(survivor.read(BASE + page)).isEqualTo(40);
            }
        }
    }

    /** Mappings are cut, protected, advised and wired in one half while the other half is used. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {31, 32})
    void changesAgainstFault(long seed) {
        try (Rig rig = Rig.threaded(2, 2048)) {
            Threads threads = new Threads(rig);
            User user = rig.user("a");
            user.mapPrivate(BASE, 2L * PAGES);
            AtomicBoolean running = new AtomicBoolean(true);
            threads.start("presser", () -> press(rig, running, new Random(seed)));
            Thread counter = threads.start("counter", () -> countUp(user.on(0), 0, 1, 60));
            threads.start("changer", () -> {
                Random random = new Random(seed);
                while (counter.isAlive() && !threads.troubled()) {
                    long page = BASE + PAGES + random.nextInt(PAGES - 4);
                    switch (random.nextInt(6)) {
                        case 0 -> {
                            user.unmap(page, 4);
                            user.mapPrivate(page, 4);
                        }
                        case 1 -> {
                            user.protect(page, 4, Prot.READ);
                            user.protect(page, 4, Prot.RW);
                        }
                        case 2 -> user.space().madvise(at(page), at(page + 4), Advice.DONTNEED);
                        case 3 -> {
                            user.wire(page, 4);
                            user.unwire(page, 4);
                        }
                        case 4 -> user.space().inherit(at(page), at(page + 4), Inheritance.values()[random.nextInt(3)]);
                        default -> user.on(1).write(page, page);
                    }
                }
                running.set(false);
            });
            threads.join();
            user.space().inherit(at(BASE), at(BASE + 2L * PAGES), Inheritance.COPY);
        }
    }

    /** What one CPU stores to shared memory the other one sees, across forks and page-outs. */
    @Test
    void sharedMemoryIsOneMemory() {
        try (Rig rig = Rig.threaded(2, 2048)) {
            Threads threads = new Threads(rig);
            User one = rig.user("one");
            one.mapShared(BASE, 2);
            User two = one.fork("two");
            int last = 3_000;
            AtomicBoolean running = new AtomicBoolean(true);
            threads.start("presser", () -> press(rig, running, new Random(41)));
            threads.start("writer", () -> {
                for (long i = 1; i <= last; i++) {
                    one.on(0).write(BASE, i);
                    one.on(0).write(BASE + 1, i);
                }
            });
            threads.start("reader", () -> {
                User reader = two.on(1);
                AtomicLong seen = new AtomicLong();
                while (seen.get() < last) {
                    long second = reader.read(BASE + 1);
                    long first = reader.read(BASE);
                    assertThat(first).as("written before the second").isGreaterThanOrEqualTo(second);
                    assertThat(second).isGreaterThanOrEqualTo(seen.get());
                    seen.set(second);
                    if (threads.troubled()) {
                        break;
                    }
                }
                running.set(false);
            });
            threads.join();
        }
    }

    /** The writer of a shared shadow object and its reader: no stale page is ever read. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {51, 52, 53})
    void noStalePageInASharedShadow(long seed) {
        try (Rig rig = Rig.threaded(2, 2048)) {
            for (int round = 0; round < 20; round++) {
                User ancestor = rig.user("ancestor");
                ancestor.mapPrivate(BASE, PAGES);
                for (int page = 0; page < PAGES; page++) {
                    ancestor.write(BASE + page, 1);
                }
                User writer = ancestor.fork("writer").on(0);
                writer.space().inherit(at(BASE), at(BASE + PAGES), Inheritance.SHARE);
                User reader = writer.fork("reader").on(1);
                Threads threads = new Threads(rig);
                AtomicLong written = new AtomicLong();
                threads.start("writer", () -> {
                    for (int page = 0; page < PAGES; page++) {
                        writer.write(BASE + page, 2);
                        written.set(page + 1L);
                    }
                });
                threads.start("reader", () -> {
                    Random random = new Random(seed);
                    long known = 0;
                    while (known < PAGES && !threads.troubled()) {
                        known = written.get();
                        int page = random.nextInt(PAGES);
                        long value = reader.read(BASE + page);
                        assertThat(value).isGreaterThanOrEqualTo(page < known ? 2 : 1);
                    }
                });
                threads.join();
                reader.exit();
                writer.exit();
                ancestor.exit();
            }
        }
    }

    /** Threads of one process fault side by side, each in its own part. */
    @Test
    void threadsOfOneProcess() {
        try (Rig rig = Rig.threaded(4, 4096)) {
            Threads threads = new Threads(rig);
            User user = rig.user("a");
            user.mapPrivate(BASE, 1024);
            for (int t = 0; t < 4; t++) {
                int part = t;
                Cpu cpu = rig.cpu(t);
                threads.start("thread " + t, () -> {
                    rig.table.run(cpu, user.process);
                    cpu.enterUser();
                    for (int round = 0; round < 4; round++) {
                        for (int page = part; page < 1024; page += 4) {
                            cpu.store(at(BASE + page), Long.BYTES, (long) page << 8 | round);
                        }
                    }
                    cpu.leaveUser();
                });
            }
            threads.join();
            for (int page = 0; page < 1024; page++) {
                assertThat(user.read(BASE + page)).isEqualTo((long) page << 8 | 3);
            }
            assertThat(user.space().faults().zeroFill()).isEqualTo(1024);
        }
    }
}
