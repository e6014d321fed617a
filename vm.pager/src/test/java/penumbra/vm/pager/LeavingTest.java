// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.page.Page;
import penumbra.pager.MemoryStore;
import penumbra.pager.PagerStatus;
import penumbra.pager.SwapSpace;

/** Stores that leave while nobody else does anything. */
@Timeout(60)
class LeavingTest {
    private static final long FOR_EVER = 3_600_000;
    private static final int PAGES = 50;

    private final TestKernel kernel = TestKernel.threaded(4096);
    private final SwapSpace swap = kernel.layer.swap();
    private final MemoryStore a = new MemoryStore(1024);
    private final MemoryStore b = new MemoryStore(1024);

    @AfterEach
    void shutDown() {
        kernel.check();
        kernel.close();
    }

    private TestObject swapped() {
        kernel.layer.setLeavingMillis(FOR_EVER);
        kernel.layer.attach(a, 0);
        return kernel.swapped(PAGES, 90);
    }

    private void finish(TestObject object) {
        for (long p = 0; p < PAGES; p++) {
            assertThat(kernel.read(object, p)).isEqualTo(90 + p);
        }
        object.deallocate();
    }

    @Test
    void itsPagesGoToTheOthers() {
        TestObject object = swapped();
        kernel.layer.attach(b, 0);
        kernel.layer.detach(a);
        assertThat(b.available()).isEqualTo(1024 - PAGES);
        assertThat(kernel.layer.pagers().status())
                .extracting(PagerStatus::pages)
                .containsExactly((long) PAGES);
        assertThat(object.pages().count()).isZero();
        finish(object);
    }

    @Test
    void withoutOthersTheyComeToMemoryWhileThereIsEnough() {
        TestObject object = swapped();
        kernel.layer.detach(a);
        assertThat(kernel.layer.pagers().status()).as("nothing waits for it").isEmpty();
        object.lock().lock();
        assertThat(object.pages().count()).isEqualTo(PAGES);
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            assertThat(page.dirty()).isEqualTo(Page.ALL);
            assertThat(page.busied()).isFalse();
        }
        object.lock().unlock();
        finish(object);
    }

    @Test
    void whatCannotBeReadIsParked() {
        TestObject object = swapped();
        kernel.layer.attach(b, 0);
        swap.setProbe((store, write, slot, pages) -> {
            if (store == a && slot <= 20 && slot + pages > 20) {
                throw new IOException("bad sector");
            }
        });
        kernel.layer.detach(a);
        assertThat(kernel.layer.pagers().status())
                .extracting(PagerStatus::state)
                .containsExactly("parked", "active");
        assertThat(kernel.layer.pagers().status())
                .extracting(PagerStatus::pages)
                .containsExactly(1L, PAGES - 1L);
        swap.setProbe(null);
        assertThat(kernel.layer.attach(a, 0)).isTrue();
        finish(object);
    }
}
