// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.inspect.Holder;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.MapEntry;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.pager.PagerFlags;
import penumbra.pager.SwapSpace;
import penumbra.pager.swap.FileStore;
import penumbra.process.Process;

/**
 * Everything that can happen to a page while it moves from store to store, with the mover stopped at each of its steps.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class MoverRacesTest {
    /** One block of a location map, so that one of a drain's threads has all of it to itself. */
    private static final int PAGES = SwapSpace.BLOCK_PAGES;

    private static final int SLOTS = 512;
    private static final long BASE = 1 << 20;
    private static final long TAG = 7_000;
    private static final Cred USER = new Cred(1001);

    @TempDir
    private Path directory;

    private final List<FileStore> files = new ArrayList<>();
    private HandMachine machine;
    private Kernel kernel;
    private Cpu cpu;
    private LatchedStore source;
    private LatchedStore target;
    private LatchedStore third;

    /** The program whose memory is on the move, and a thread's own view of what each page must hold. */
    private Process process;

    private final long[] tags = new long[PAGES];

    @BeforeEach
    void boot() throws Exception {
        Interposed between = Interposed.NOTHING.withStore(file -> source = new LatchedStore(file));
        machine = new HandMachine(
                new MachineSettings(1024, SLOTS, null, 1, Execution.THREADED, Fidelity.CORRECTED, true), between);
        kernel = machine.kernel();
        cpu = kernel.machine().cpus().get(0);
        target = open("target");
        third = open("third");
        process = kernel.processes().create("mover", USER);
        long end = BASE + PageSize.bytes(PAGES);
        assertThat(process.space().insert(null, 0, BASE, end, Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        for (int page = 0; page < PAGES; page++) {
            store(process, page, TAG + page);
        }
        pageOut(object(process));
        machine.pagers().attach(target, 0);
    }

    private LatchedStore open(String name) throws Exception {
        FileStore file = FileStore.open(name, directory.resolve(name), SLOTS, false, false);
        files.add(file);
        return new LatchedStore(file);
    }

    @AfterEach
    void switchOff() {
        machine.close();
        files.forEach(FileStore::close);
    }

    private static VmObject object(Process process) {
        MapEntry first = process.space().entries().get(0);
        return Objects.requireNonNull(first.object());
    }

    private void store(Process in, int page, long tag) {
        kernel.processes().run(cpu, in);
        cpu.enterUser();
        cpu.store(BASE + PageSize.bytes(page), Long.BYTES, tag);
        cpu.leaveUser();
        tags[page] = tag;
    }

    private long load(Process in, int page) {
        kernel.processes().run(cpu, in);
        cpu.enterUser();
        try {
            return cpu.load(BASE + PageSize.bytes(page), Long.BYTES);
        } finally {
            cpu.leaveUser();
        }
    }

    /** Writes every resident page to swap and frees it. */
    private void pageOut(VmObject object) {
        object.lock().lock();
        @Nullable Page next;
        for (@Nullable Page page = object.pages().first(); page != null; page = next) {
            write(object, page);
            next = object.pages().after(page);
            kernel.pmaps().removeAll(page);
            kernel.pages().free(page);
        }
        object.lock().unlock();
    }

    private void write(VmObject object, Page page) {
        page.testDirty();
        if (page.dirty() != 0) {
            kernel.pmaps().removeWrite(page);
            kernel.objects().flush(object, new Page[] {page}, 1, PagerFlags.PUT_SYNC, 0, new PageoutFlush());
        }
    }

    private void assertContents(Process in) {
        for (int page = 0; page < PAGES; page++) {
            assertThat(load(in, page)).as("page %d", page).isEqualTo(tags[page]);
        }
    }

    /** What happens while the mover stands still, and what must hold when all is over. */
    private interface Race {
        /** Happens on a thread of its own. */
        void happen(MoverRacesTest test) throws Exception;

        /** Whether it may wait for the mover: only what takes a store away does. */
        default boolean mayWait() {
            return false;
        }

        /** Looks at the outcome. */
        default void judge(MoverRacesTest test) {
            test.assertContents(test.process);
        }
    }

    private enum Races implements Race {
        READ {
            @Override
            public void happen(MoverRacesTest test) {
                assertThat(test.load(test.process, 3)).isEqualTo(TAG + 3);
            }
        },
        WRITE {
            @Override
            public void happen(MoverRacesTest test) {
                test.store(test.process, 3, 1);
            }
        },
        WRITE_AND_LAUNDER {
            @Override
            public void happen(MoverRacesTest test) {
                test.store(test.process, 3, 2);
                test.pageOut(object(test.process));
                assertThat(test.load(test.process, 3)).isEqualTo(2);
            }
        },
        FREE_SPACE {
            @Override
            public void happen(MoverRacesTest test) {
                VmObject object = object(test.process);
                object.lock().lock();
                test.kernel.swap().freeSpace(object, 3, 5);
                object.lock().unlock();
                Arrays.fill(test.tags, 3, 8, 0);
            }
        },
        MADVISE_FREE_AND_READ {
            @Override
            public void happen(MoverRacesTest test) {
                test.process.space().madvise(BASE, BASE + PageSize.bytes(20), Advice.FREE);
                for (int page = 0; page < 20; page++) {
                    long seen = test.load(test.process, page);
                    assertThat(seen).isIn(0L, TAG + page);
                    test.tags[page] = seen;
                }
            }
        },
        SPLIT {
            private VmObject half;

            @Override
            public void happen(MoverRacesTest test) {
                VmObject object = object(test.process);
                object.reference();
                object.lock().lock();
                half = test.kernel.objects().split(object, 8, 16);
                half.lock().unlock();
                Arrays.fill(test.tags, 8, 24, 0);
            }

            @Override
            public void judge(MoverRacesTest test) {
                test.assertContents(test.process);
                half.lock().lock();
                assertThat(half.populate(0, 16)).isTrue();
                for (int page = 0; page < 16; page++) {
                    Page found = Objects.requireNonNull(half.pages().lookup(page));
                    assertThat(test.kernel.memory().load(found.frame(), 0, Long.BYTES))
                            .isEqualTo(TAG + 8 + page);
                }
                half.lock().unlock();
                half.deallocate();
            }
        },
        DESTROYING_COPY {
            @Override
            public void happen(MoverRacesTest test) {
                VmObject object = object(test.process);
                VmObject other = test.kernel.objects().shadow(null, 0, PAGES);
                object.lock().lock();
                other.lock().lock();
                test.kernel.swap().copy(object, other, 0, true);
                other.lock().unlock();
                object.lock().unlock();
                Arrays.fill(test.tags, 0);
                other.lock().lock();
                assertThat(other.populate(0, PAGES)).isTrue();
                for (int page = 0; page < PAGES; page++) {
                    Page found = Objects.requireNonNull(other.pages().lookup(page));
                    assertThat(test.kernel.memory().load(found.frame(), 0, Long.BYTES))
                            .isEqualTo(TAG + page);
                }
                other.lock().unlock();
                other.deallocate();
            }
        },
        FORK_WRITE_AND_EXIT {
            @Override
            public void happen(MoverRacesTest test) {
                Process child = Objects.requireNonNull(test.kernel.processes().fork(test.process, "child"));
                long[] before = test.tags.clone();
                test.store(child, 3, 5);
                test.store(child, 30, 6);
                test.assertContents(child);
                System.arraycopy(before, 0, test.tags, 0, PAGES);
                test.store(test.process, 4, 8);
                // The parent's new object swallows the shared one.
                test.kernel.processes().run(test.cpu, test.process);
                test.kernel.processes().exit(child);
            }
        },
        COLLAPSE {
            @Override
            public void happen(MoverRacesTest test) {
                Process child = Objects.requireNonNull(test.kernel.processes().fork(test.process, "child"));
                test.store(test.process, 5, 9);
                test.kernel.processes().exit(child);
                VmObject front = object(test.process);
                front.lock().lock();
                front.collapse();
                front.lock().unlock();
            }

            @Override
            public void judge(MoverRacesTest test) {
                VmObject front = object(test.process);
                front.lock().lock();
                front.collapse();
                front.lock().unlock();
                test.assertContents(test.process);
            }
        },
        TRUNCATION {
            @Override
            public void happen(MoverRacesTest test) {
                VmObject object = object(test.process);
                object.lock().lock();
                object.pageRemove(10, PAGES, 0);
                test.kernel.swap().freeSpace(object, 10, PAGES - 10);
                object.lock().unlock();
                Arrays.fill(test.tags, 10, PAGES, 0);
            }
        },
        TERMINATE {
            @Override
            public void happen(MoverRacesTest test) {
                test.kernel.processes().exit(test.process);
            }

            @Override
            public void judge(MoverRacesTest test) {
                assertThat(test.kernel.swap().available())
                        .isEqualTo(test.kernel.swap().total() - 4);
            }
        },
        SWAPOFF_OF_THE_TARGET {
            @Override
            public void happen(MoverRacesTest test) {
                assertThat(test.kernel.swap().swapOff(test.target)).isEqualTo(KernReturn.SUCCESS);
            }

            @Override
            public boolean mayWait() {
                return true;
            }
        },
        SWAPOFF_OF_THE_SOURCE {
            @Override
            public void happen(MoverRacesTest test) {
                assertThat(test.kernel.swap().swapOff(test.source)).isEqualTo(KernReturn.SUCCESS);
            }

            @Override
            public boolean mayWait() {
                return true;
            }
        },
        RETARGET {
            @Override
            public void happen(MoverRacesTest test) {
                test.machine.pagers().attach(test.third, 0);
                assertThat(test.kernel.swap().use(test.third)).isEqualTo(KernReturn.SUCCESS);
            }

            @Override
            public void judge(MoverRacesTest test) {
                assertThat(test.third.available()).isEqualTo(SLOTS - 2 - PAGES);
                test.assertContents(test.process);
            }
        },
        RETARGET_TWICE_AND_BACK {
            @Override
            public void happen(MoverRacesTest test) {
                test.machine.pagers().attach(test.third, 0);
                assertThat(test.kernel.swap().use(test.third)).isEqualTo(KernReturn.SUCCESS);
                assertThat(test.kernel.swap().use(test.source)).isEqualTo(KernReturn.SUCCESS);
            }

            @Override
            public void judge(MoverRacesTest test) {
                assertThat(test.source.available()).isEqualTo(SLOTS - 2 - PAGES);
                test.assertContents(test.process);
            }
        },
        CANCEL {
            @Override
            public void happen(MoverRacesTest test) {
                assertThat(test.kernel.swap().swapOn(test.source)).isEqualTo(KernReturn.SUCCESS);
            }
        },
        LEAVING_OF_THE_TARGET {
            @Override
            public void happen(MoverRacesTest test) {
                test.machine.pagers().setLeavingMillis(100_000);
                test.machine.pagers().detach(test.target);
            }

            @Override
            public boolean mayWait() {
                return true;
            }
        },
        LEAVING_OF_THE_SOURCE {
            @Override
            public void happen(MoverRacesTest test) {
                test.machine.pagers().setLeavingMillis(100_000);
                test.machine.pagers().detach(test.source);
            }

            @Override
            public boolean mayWait() {
                return true;
            }
        }
    }

    static Stream<Arguments> races() {
        return Arrays.stream(Races.values())
                .flatMap(race -> Arrays.stream(LatchedStore.Point.values()).map(point -> Arguments.of(race, point)));
    }

    @ParameterizedTest
    @MethodSource("races")
    void nothingIsLost(Races race, LatchedStore.Point point) throws Exception {
        boolean reads = point == LatchedStore.Point.READ || point == LatchedStore.Point.HAS_READ;
        LatchedStore latched = reads ? source : target;
        latched.arm(point);
        SwapSpace swap = kernel.swap();
        assertThat(swap.drain(source)).isEqualTo(KernReturn.SUCCESS);
        latched.awaitArrival();
        FutureTask<Void> happens = new FutureTask<>(() -> {
            race.happen(this);
            return null;
        });
        Thread thread = new Thread(happens, "race");
        thread.start();
        if (race.mayWait()) {
            awaitRest(thread, happens);
        } else {
            happens.get();
        }
        latched.release();
        happens.get();
        swap.awaitDrained();
        assertThat(kernel.machine().panic()).isNull();
        race.judge(this);
        swap.awaitDrained();
        kernel.processes().all().forEach(kernel.processes()::exit);
        List<Holder> nobody = List.of();
        assertThat(kernel.checkInvariants(nobody).messages()).isEmpty();
    }

    /** Waits until the race is over or waits for the mover. */
    @SuppressWarnings(
            "ThreadPriorityCheck") // There is nothing to be woken by: a thread that falls asleep tells nobody.
    private void awaitRest(Thread thread, FutureTask<Void> happens) {
        while (!happens.isDone() && kernel.machine().sleepQueue().waitMessage(thread) == null) {
            Thread.yield();
        }
    }
}
