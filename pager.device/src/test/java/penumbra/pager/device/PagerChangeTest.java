// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.account.Cred;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;

/** Pagers of memory that never leaves come and go while programs use it. */
class PagerChangeTest {
    private static final long AT = 256;
    private static final int GENEROUS_MILLIS = 60_000;

    private final DeviceMachine m = DeviceMachine.threaded(2);

    @AfterEach
    void close() {
        m.close();
    }

    private Pager pager(ObjectType type) {
        return only(m, type);
    }

    /** Adds another pager of {@code type}, which outranks that of the rig and does not outrank its predecessors. */
    private Pager successor(ObjectType type) {
        Pager next = pager(type);
        m.pagers.add(next, 10);
        return next;
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void theNextPagerGoesOnWithTheObjectsOfTheOneBefore(ObjectType type) {
        Pager first = successor(type);
        VmObject object = m.hold(m.allocate(type, m.handle(type), 8));
        DeviceMachine.User program = m.user("program");
        object.reference();
        program.map(object, 0, AT, 8, true);
        program.store(AT + 1, 0, 11);
        Page page = m.page(object, 1);
        Pager second = successor(type);
        m.pagers.remove(first);
        assertThat(program.load(AT + 1, 0)).isEqualTo(11);
        program.store(AT + 6, 0, 66);
        assertThat(m.page(object, 1)).isSameAs(page);
        if (type != ObjectType.SG) {
            VmObject found = m.allocate(type, m.handle(type), 8);
            assertThat(found).as("found by its handle").isSameAs(object);
            found.deallocate();
        }
        m.check();
        program.exit();
        m.letGo(object);
        m.pagers.remove(second);
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void withoutAPagerAccessesFailTypedUntilItReturns(ObjectType type) {
        try (DeviceMachine lonely = DeviceMachine.threadedWithout(type)) {
            Pager only = only(lonely, type);
            lonely.pagers.add(only, 0);
            lonely.pagers.setLimits(1, GENEROUS_MILLIS);
            VmObject object = lonely.hold(lonely.allocate(type, lonely.handle(type), 40));
            DeviceMachine.User program = lonely.user("program");
            object.reference();
            program.map(object, 0, AT, 40, true);
            program.store(AT, 0, 1);
            lonely.pagers.remove(only);
            assertThat(program.refusal(AT + 30)).isEqualTo(KernReturn.FAILURE);
            assertThat(lonely.resident(object, 30)).as("no zero page").isNull();
            assertThat(program.load(AT, 0)).as("what is resident stays").isEqualTo(1);
            assertThat(lonely.tryAllocate(type, lonely.handle(type), 1, Prot.READ, 0))
                    .isNull();
            lonely.pagers.add(only(lonely, type), 0);
            assertThat(program.load(AT + 30, 0)).isZero();
            program.store(AT + 30, 0, 30);
            assertThat(program.load(AT + 30, 0)).isEqualTo(30);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void objectsMayEndWhileTheirPagerIsAway(ObjectType type) {
        try (DeviceMachine lonely = DeviceMachine.threadedWithout(type)) {
            Pager only = only(lonely, type);
            lonely.pagers.add(only, 0);
            lonely.pagers.setLimits(1, GENEROUS_MILLIS);
            VmObject object = lonely.allocate(type, lonely.handle(type), 8);
            DeviceMachine.User program = lonely.user("program");
            program.map(object, 0, AT, 8, true);
            program.store(AT + 3, 0, 1);
            DeviceMachine.User child = program.fork("child");
            lonely.pagers.remove(only);
            program.exit();
            assertThat(child.load(AT + 3, 0)).isEqualTo(1);
            child.exit();
            assertThat(object.type()).isEqualTo(ObjectType.DEAD);
            lonely.check();
            lonely.pagers.add(only, 0);
            VmObject next = lonely.hold(lonely.allocate(type, lonely.handle(type), 8));
            assertThat(next.pages().count()).isZero();
        }
    }

    private static Pager only(DeviceMachine machine, ObjectType type) {
        return machine.allPagers()
                .filter(candidate -> candidate.type() == type)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void noAccessNoticesPagersThatTakeTurns() throws Exception {
        m.pagers.setLimits(GENEROUS_MILLIS, GENEROUS_MILLIS);
        int rounds = 60;
        ObjectType[] types = {ObjectType.DEVICE, ObjectType.MGTDEVICE, ObjectType.SG, ObjectType.PHYS};
        AtomicInteger turns = new AtomicInteger();
        CountDownLatch finished = new CountDownLatch(2);
        ExecutorService threads = Executors.newFixedThreadPool(3);
        List<Future<?>> ends = new ArrayList<>();
        for (int cpu = 0; cpu < 2; cpu++) {
            int number = cpu;
            ends.add(threads.submit(() -> {
                try {
                    for (int round = 0; round < rounds || turns.get() < 100; round++) {
                        useEach(types, m.user("program", number), number, round);
                    }
                } finally {
                    finished.countDown();
                }
            }));
        }
        ends.add(threads.submit(() -> {
            List<Pager> current = new ArrayList<>();
            for (ObjectType type : types) {
                current.add(successor(type));
            }
            while (finished.getCount() > 0) {
                int which = turns.getAndIncrement() % types.length;
                Pager next = successor(types[which]);
                m.pagers.remove(current.set(which, next));
            }
        }));
        for (Future<?> end : ends) {
            end.get();
        }
        threads.shutdown();
        assertThat(turns.get()).isGreaterThanOrEqualTo(100);
        m.check();
    }

    /** Maps memory of each type, uses pages of its own and one that the programs share, and exits. */
    private void useEach(ObjectType[] types, DeviceMachine.User program, int number, int round) {
        for (int i = 0; i < types.length; i++) {
            program.map(m.allocate(types[i], m.handle(types[i]), 16), 0, AT + 100 * i, 16, true);
            for (int page = number; page < 16; page += 2) {
                program.store(AT + 100 * i + page, 8, round + page);
                assertThat(program.load(AT + 100 * i + page, 8)).isEqualTo(round + page);
            }
            program.load(AT + 100 * i + 1 - number, 16);
        }
        if (round % 3 == 0) {
            assertThat(program.msync(AT, 16, true)).isEqualTo(KernReturn.SUCCESS);
            assertThat(program.load(AT + number, 8)).isEqualTo(round + number);
        }
        program.exit();
    }

    @Test
    void aPagerThatLosesItsPageMidwayIsStoppedAtTheWall() {
        Pager rogue = new Rogue(pager(ObjectType.DEVICE));
        m.pagers.add(rogue, 20);
        DeviceMachine.User program = m.user("program");
        program.map(m.allocate(ObjectType.DEVICE, m.screen, 4), 0, AT, 4, true);
        assertThat(program.refusal(AT)).isEqualTo(KernReturn.FAILURE);
        assertThat(m.pagers.pagers().status())
                .anyMatch(line -> line.name().equals("rogue") && line.state().equals("parked"));
        program.store(AT, 0, 4);
        assertThat(m.memory.load(m.screen.frame(0, Prot.RW), 0, 8)).isEqualTo(4);
    }

    /** Says that it has filled the page, and has not. */
    private record Rogue(Pager inner) implements Pager {
        @Override
        public ObjectType type() {
            return inner.type();
        }

        @Override
        public String name() {
            return "rogue";
        }

        @Override
        public @Nullable VmObject allocate(
                ObjectFactory objects,
                @Nullable Object handle,
                long bytes,
                int prot,
                long offset,
                @Nullable Cred cred) {
            return inner.allocate(objects, handle, bytes, prot, offset, cred);
        }

        @Override
        public void deallocate(VmObject object) {
            inner.deallocate(object);
        }

        @Override
        public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
            return PagerResult.OK;
        }

        @Override
        public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
            inner.putPages(object, pages, count, flags, results);
        }

        @Override
        public long hasPage(VmObject object, long pindex) {
            return inner.hasPage(object, pindex);
        }
    }
}
