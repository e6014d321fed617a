// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;

/** The line on a terminal that tells how far a replay is; on anything else, nothing. */
final class Progress {
    private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int WIDTH = 24;

    private final @Nullable PrintStream terminal;
    private final long total;
    private final long started = System.nanoTime();
    private final AtomicLong shown = new AtomicLong(started);

    /** @param terminal where to show it; null to show nothing */
    Progress(@Nullable PrintStream terminal, long total) {
        this.terminal = terminal;
        this.total = Math.max(1, total);
    }

    /** {@code references} have been made. */
    void at(long references, Kernel kernel) {
        if (terminal == null) {
            return;
        }
        long now = System.nanoTime();
        long last = shown.get();
        if (now - last < INTERVAL || !shown.compareAndSet(last, now)) {
            return;
        }
        int done = (int) (references * WIDTH / total);
        terminal.printf(
                "\r[%s%s] %3d %%  %.1f M references/s  resident %d  free %d  swap %d ",
                "#".repeat(done),
                ".".repeat(WIDTH - done),
                references * 100 / total,
                references / ((now - started) / 1e9) / 1e6,
                kernel.pages().limits().pageCount() - kernel.pages().counts().available(),
                kernel.pages().counts().available(),
                kernel.swap().total() - kernel.swap().available());
        terminal.flush();
    }

    /** Wipes the line. */
    void end() {
        if (terminal != null) {
            terminal.print("\r\u001b[K");
            terminal.flush();
        }
    }
}
