// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SteadyChannelTest {
    /**
     * A file's lock is given up as the last step of its closing; opened before that, it seems to be somebody else's.
     */
    @Test
    void isOpenedAgainOnlyWhenItsClosingHasEnded() throws Exception {
        SlowlyClosingChannel first = new SlowlyClosingChannel();
        SlowlyClosingChannel second = new SlowlyClosingChannel();
        second.mayEnd.countDown();
        AtomicBoolean reopened = new AtomicBoolean();
        try (SteadyChannel steady = new SteadyChannel(first, () -> {
            reopened.set(true);
            assertThat(first.ended).isTrue();
            return second;
        })) {
            Thread closer = new Thread(() -> closeQuietly(first));
            closer.start();
            first.closing.await();
            FutureTask<Integer> read = new FutureTask<>(() -> steady.read(0, ByteBuffer.allocate(1)));
            Thread reader = new Thread(read);
            reader.start();
            while (reader.getState() != Thread.State.BLOCKED && !reopened.get()) {
                Thread.onSpinWait();
            }
            first.mayEnd.countDown();
            assertThat(read.get()).isEqualTo(-1);
            closer.join();
        }
        assertThat(reopened).isTrue();
    }

    private static void closeQuietly(SlowlyClosingChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
