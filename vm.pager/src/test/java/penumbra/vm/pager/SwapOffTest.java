// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectType;
import penumbra.page.Page;
import penumbra.page.QueueId;
import penumbra.pager.MemoryStore;

class SwapOffTest {
    private final MemoryStore store = new MemoryStore(1024);
    private TestKernel kernel = TestKernel.stepped(4096, Fidelity.CORRECTED);

    @AfterEach
    void shutDown() {
        kernel.close();
    }

    private TestObject swapped(int pages) {
        TestObject object = kernel.object(ObjectType.DEFAULT, pages);
        for (long p = 0; p < pages; p++) {
            kernel.fill(object, p, 500 + p);
            kernel.flushAll(object, p, 1);
        }
        return object;
    }

    @Test
    void bringsEverythingBackAndForgetsTheStore() {
        kernel.layer.attach(store, 0);
        TestObject object = swapped(5);
        kernel.evict(object, 0);
        kernel.evict(object, 4);
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.SUCCESS);
        object.lock().lock();
        for (long p = 0; p < 5; p++) {
            Page page = object.pages().lookup(p);
            assertThat(page).isNotNull();
            assertThat(page.dirty()).isEqualTo(Page.ALL);
            assertThat(page.busied()).isFalse();
            assertThat(page.queue()).isEqualTo(p == 0 || p == 4 ? QueueId.INACTIVE : QueueId.ACTIVE);
            assertThat(kernel.tag(page)).isEqualTo(500 + p);
        }
        assertThat(object.type()).isEqualTo(ObjectType.SWAP);
        assertThat(kernel.layer.swap().pages(object)).isZero();
        object.lock().unlock();
        assertThat(store.retired()).isTrue();
        assertThat(kernel.layer.swap().stores()).isEmpty();
        assertThat(kernel.layer.swap().available()).isZero();
        assertThat(kernel.layer.swap().total()).isZero();
        assertThat(kernel.layer.swap().full()).isTrue();
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        kernel.check();
        object.deallocate();
    }

    @Test
    void refusesWhenThereIsNoRoom() {
        kernel.close();
        kernel = TestKernel.stepped(200, Fidelity.CORRECTED);
        kernel.layer.attach(store, 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 1024);
        assertThat(kernel.layer.swap().reserve(object, 0, 900)).isTrue();
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.RESOURCE_SHORTAGE);
        assertThat(kernel.layer.swap().present()).isTrue();
        assertThat(kernel.layer.swap().available()).isEqualTo(124);
        object.lock().lock();
        kernel.layer.swap().freeSpace(object, 0, 900);
        object.lock().unlock();
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.SUCCESS);
        object.deallocate();
    }

    @Test
    void whatCannotBeReadStaysAndTheRestMoves() throws IOException {
        kernel.layer.attach(store, 0);
        TestObject object = swapped(6);
        for (long p = 0; p < 6; p++) {
            kernel.evict(object, p);
        }
        store.page(2)[17] ^= 1;
        kernel.layer.swap().setProbe((in, write, slot, pages) -> {
            if (slot == 4) {
                throw new IOException("bad sector");
            }
        });
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.FAILURE);
        object.lock().lock();
        assertThat(kernel.layer.swap().pages(object)).isEqualTo(2);
        assertThat(object.pages().count()).isEqualTo(4);
        object.lock().unlock();
        Violations violations = new Violations();
        kernel.layer.checks().forEach(check -> check.check(violations));
        assertThat(violations.messages())
                .as("the damaged slot and nothing else")
                .singleElement(STRING)
                .contains("page 2", "slot 2");
        assertThat(kernel.layer.swap().present()).isFalse();
        assertThat(kernel.layer.swap().stores()).containsExactly(store);
        assertThat(store.retired()).isFalse();

        store.page(2)[17] ^= 1;
        kernel.layer.swap().setProbe(null);
        assertThat(kernel.layer.swap().swapOff(store)).as("tried again").isEqualTo(KernReturn.SUCCESS);
        for (long p = 0; p < 6; p++) {
            assertThat(kernel.read(object, p)).isEqualTo(500 + p);
        }
        object.deallocate();
    }

    @Test
    void theOriginalPanicsOverAnUnreadablePage() {
        kernel.close();
        kernel = TestKernel.stepped(4096, Fidelity.ORIGINAL);
        kernel.layer.attach(store, 0);
        TestObject object = swapped(1);
        kernel.evict(object, 0);
        kernel.layer.swap().setProbe((in, write, slot, pages) -> {
            throw new IOException("bad sector");
        });
        assertThatThrownBy(() -> kernel.layer.swap().swapOff(store)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void reservedSlotsJustGo() {
        kernel.layer.attach(store, 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 100);
        assertThat(kernel.layer.swap().reserve(object, 0, 100)).isTrue();
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.SUCCESS);
        assertThat(object.pages().count()).isZero();
        object.deallocate();
    }

    @Test
    void newPagesGoToTheStoreThatIsLeft() {
        MemoryStore other = new MemoryStore(1024);
        kernel.layer.attach(store, 0);
        kernel.layer.attach(other, 0);
        TestObject object = swapped(10);
        assertThat(store.available()).as("in turns").isEqualTo(1024 - 5);
        assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.SUCCESS);
        kernel.check();
        for (long p = 0; p < 10; p++) {
            kernel.fill(object, p, 900 + p);
            kernel.flushAll(object, p, 1);
            kernel.evict(object, p);
            assertThat(kernel.read(object, p)).isEqualTo(900 + p);
        }
        assertThat(other.available()).isEqualTo(1024 - 10);
        object.deallocate();
    }
}
