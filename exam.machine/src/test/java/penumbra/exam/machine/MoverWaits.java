// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Machine;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.object.VmObject;
import penumbra.page.Page;

/** Counts, for each request that a thread makes, the clusters of movers that it slept for: those whose end woke it. */
final class MoverWaits {
    private static final String MOVER = "swap mover";

    private final Map<Object, Set<Thread>> sleepers = new IdentityHashMap<>();
    private final Map<Thread, AtomicLong> counts = new ConcurrentHashMap<>();
    private final AtomicLong all = new AtomicLong();
    private final AtomicLong most = new AtomicLong();

    /** The same machine, with its sleepers watched. */
    Machine watch(Machine machine) {
        SleepQueue watched = watch(machine.sleepQueue());
        return (Machine) Proxy.newProxyInstance(
                Machine.class.getClassLoader(), new Class<?>[] {Machine.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("sleepQueue")) {
                        return watched;
                    }
                    try {
                        return method.invoke(machine, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** The calling thread begins another request. */
    void beginRequest() {
        counts.computeIfAbsent(Thread.currentThread(), thread -> new AtomicLong())
                .set(0);
    }

    /** The clusters that the request has waited for. */
    long inRequest() {
        @Nullable AtomicLong count = counts.get(Thread.currentThread());
        long clusters = count == null ? 0 : count.get();
        most.accumulateAndGet(clusters, Math::max);
        return clusters;
    }

    private SleepQueue watch(SleepQueue real) {
        return new SleepQueue() {
            @Override
            public void sleep(Object channel, KernelLock lock, String waitMessage) {
                enter(channel);
                try {
                    real.sleep(channel, lock, waitMessage);
                } finally {
                    leave(channel);
                }
            }

            @Override
            public void sleepAndDrop(Object channel, KernelLock lock, String waitMessage) {
                enter(channel);
                try {
                    real.sleepAndDrop(channel, lock, waitMessage);
                } finally {
                    leave(channel);
                }
            }

            @Override
            public boolean sleepAndDrop(Object channel, KernelLock lock, String waitMessage, long nanos) {
                enter(channel);
                try {
                    return real.sleepAndDrop(channel, lock, waitMessage, nanos);
                } finally {
                    leave(channel);
                }
            }

            @Override
            public void wakeup(Object channel) {
                boolean transfer = channel instanceof Page || channel instanceof VmObject;
                if (transfer && Thread.currentThread().getName().equals(MOVER)) {
                    woken(channel);
                }
                real.wakeup(channel);
            }

            @Override
            public void halt(KernelPanic cause) {
                real.halt(cause);
            }

            @Override
            public @Nullable String waitMessage(Thread thread) {
                return real.waitMessage(thread);
            }
        };
    }

    private synchronized void enter(Object channel) {
        sleepers.computeIfAbsent(channel, key -> ConcurrentHashMap.newKeySet()).add(Thread.currentThread());
    }

    private synchronized void leave(Object channel) {
        @Nullable Set<Thread> threads = sleepers.get(channel);
        if (threads != null && threads.remove(Thread.currentThread()) && threads.isEmpty()) {
            sleepers.remove(channel);
        }
    }

    private synchronized void woken(Object channel) {
        @Nullable Set<Thread> threads = sleepers.get(channel);
        if (threads != null) {
            for (Thread thread : threads) {
                @Nullable AtomicLong count = counts.get(thread);
                if (count != null) {
                    count.incrementAndGet();
                    all.incrementAndGet();
                }
            }
        }
    }

    @Override
    public String toString() {
        return all + " waits for a cluster, " + most + " in one request at most";
    }
}
