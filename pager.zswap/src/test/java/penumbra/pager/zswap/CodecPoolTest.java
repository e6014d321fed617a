// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Codecs hold memory of zstd's own, which no collector and no limit of the JVM knows of: every one is released. */
class CodecPoolTest {
    private static final int THREADS = 4;
    private static final int LEVEL = -5;

    private final CodecPool pool = new CodecPool(LEVEL);

    @Test
    void codecsAreUsedAgain() throws IOException {
        PageCodec first = pool.take();
        PageCodec second = pool.take();
        assertThat(pool.existing()).isEqualTo(2);
        pool.give(first);
        assertThat(pool.take()).isSameAs(first);
        pool.give(first);
        pool.give(second);
        assertThat(pool.existing()).isEqualTo(2);
    }

    @Test
    void closingReleasesEveryCodecThoseInUseWhenTheyAreGivenBack() throws IOException {
        PageCodec idle = pool.take();
        PageCodec used = pool.take();
        pool.give(idle);
        pool.close();
        assertThat(pool.existing()).isEqualTo(1);
        int packed = used.pack();
        used.unpack(packed);
        pool.give(used);
        assertThat(pool.existing()).isZero();
        for (PageCodec codec : List.of(idle, used)) {
            assertThatThrownBy(codec::pack).as("its compressor").isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> codec.unpack(packed))
                    .as("its decompressor")
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(pool::take).isInstanceOf(IOException.class).hasMessage("the compressed store is closed");
    }

    @Test
    void nothingIsLeftWhenItIsClosedUnderThreadsThatUseIt() throws InterruptedException {
        AtomicReference<Throwable> trouble = new AtomicReference<>();
        CountDownLatch busy = new CountDownLatch(10 * THREADS);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            Thread thread = new Thread(() -> {
                try {
                    while (true) {
                        PageCodec codec = pool.take();
                        codec.unpack(codec.pack());
                        pool.give(codec);
                        busy.countDown();
                    }
                } catch (IOException e) {
                    // The pool is closed.
                } catch (RuntimeException | Error e) {
                    trouble.set(e);
                    for (long left = busy.getCount(); left > 0; left--) {
                        busy.countDown();
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        busy.await();
        pool.close();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(trouble.get()).isNull();
        assertThat(pool.existing()).isZero();
    }
}
