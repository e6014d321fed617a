// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import penumbra.kern.KernelPanic;
import penumbra.kern.SpinWait;
import penumbra.kern.Stripes;

/**
 * What keeps uses of the active MMU and its replacement apart: any number of threads are inside, or one has it alone.
 *
 * <p>Each thread is counted in one of several stripes, so that threads which go in and out share no cache line and the
 * gate costs them two atomic additions. A thread must not go in twice.
 */
final class SwitchGate {
    private static final int STRIPE_LONGS = Stripes.DISTANCE / Long.BYTES;

    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] inside = new long[(1 + Stripes.COUNT) * STRIPE_LONGS];
    /** Held by whoever has the gate alone. */
    private final Object alone = new Object();

    private volatile boolean closed;

    SwitchGate() {}

    /** Goes in; waits while somebody has the gate alone. Returns the ticket that {@link #leave} takes. */
    int enter() {
        int ticket = Stripes.ofCaller() * STRIPE_LONGS;
        COUNT.getAndAdd(inside, ticket, 1L);
        while (closed) {
            COUNT.getAndAdd(inside, ticket, -1L);
            awaitOpening();
            COUNT.getAndAdd(inside, ticket, 1L);
        }
        return ticket;
    }

    /** Goes out. */
    void leave(int ticket) {
        COUNT.getAndAdd(inside, ticket, -1L);
    }

    /** Runs {@code action} while nobody is inside. The caller is not inside. Blocks until the others have left. */
    void alone(Runnable action) {
        synchronized (alone) {
            closed = true;
            try {
                for (int ticket = 0; ticket < inside.length; ticket += STRIPE_LONGS) {
                    awaitLeaving(ticket);
                }
                action.run();
            } finally {
                closed = false;
            }
        }
    }

    /**
     * Who sees the gate closed goes out again, so the number inside a stripe that was 0 once stays 0 but for moments.
     */
    private void awaitLeaving(int ticket) {
        while ((long) COUNT.getVolatile(inside, ticket) != 0) {
            SpinWait.letOthersRun();
        }
    }

    private void awaitOpening() {
        synchronized (alone) {
            if (closed) {
                throw new KernelPanic("mmu switch: the thread that makes it uses the mappings that it changes");
            }
        }
    }
}
