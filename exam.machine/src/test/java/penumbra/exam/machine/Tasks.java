// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/** Threads of a test. */
final class Tasks {
    private Tasks() {}

    /** What a thread does. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    /** Begins {@code work} on a thread of its own. */
    static CompletableFuture<Void> start(String name, Work work) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                        result.complete(null);
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return result;
    }

    /** Waits for all, or for the first that fails. */
    static void finish(List<CompletableFuture<Void>> all) throws Exception {
        BlockingQueue<CompletableFuture<Void>> finished = new LinkedBlockingQueue<>();
        for (CompletableFuture<Void> each : all) {
            each.whenComplete((nothing, thrown) -> finished.add(each)).exceptionally(thrown -> null);
        }
        for (int i = 0; i < all.size(); i++) {
            finished.take().get();
        }
    }
}
