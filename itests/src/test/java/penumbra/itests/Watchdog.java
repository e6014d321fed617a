// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import penumbra.hw.Machine;
import penumbra.kern.KernelPanic;

/** Halts a machine on which nothing has been reported for too long, after it has printed where every thread is. */
final class Watchdog implements AutoCloseable {
    /** More than the slowest step on the slowest host. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Machine machine;
    private final Supplier<String> state;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile long fed = System.nanoTime();
    private volatile String stage = "start";

    /** @param state what else is worth to be seen then */
    Watchdog(Machine machine, Supplier<String> state) {
        this.machine = machine;
        this.state = state;
        Thread thread = new Thread(this::watch, "watchdog");
        thread.setDaemon(true);
        thread.start();
    }

    /** Reports that {@code next} begins. */
    void feed(String next) {
        stage = next;
        fed = System.nanoTime();
    }

    /** Where every thread is now. */
    static String stacks() {
        return Thread.getAllStackTraces().entrySet().stream()
                .map(each -> each.getKey() + " " + each.getKey().getState() + "\n\tat "
                        + Arrays.stream(each.getValue()).map(Object::toString).collect(Collectors.joining("\n\tat ")))
                .collect(Collectors.joining("\n"));
    }

    private void watch() {
        try {
            while (!closed.await(1, TimeUnit.SECONDS)) {
                if (System.nanoTime() - fed > PATIENCE.toNanos()) {
                    System.out.println(stacks());
                    System.out.println(state.get());
                    machine.halt(new KernelPanic("watchdog: nothing moves in %s", stage));
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
