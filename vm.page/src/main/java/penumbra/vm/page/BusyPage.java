// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.page.Page;
import penumbra.page.PageOwner;

/**
 * The part of a page that says who has it for himself: its owner, and the busy word ({@code vm_page.busy_lock}).
 *
 * <p>The word changes by compare-and-set, so that anybody can read it, and under the owner's lock, so that a sleeper
 * that gives that lock up misses no wake-up.
 */
abstract class BusyPage implements Page {
    /**
     * The busy word: whether it is exclusive, whether somebody sleeps on it, how many share it, and the serial number.
     */
    private static final int EXCLUSIVE = 1;

    private static final int WAITERS = 2;
    private static final int SHARER = 4;
    private static final int SERIAL = 1 << 16;
    private static final int STATE = SERIAL - 1;

    private static final VarHandle BUSY;

    static {
        try {
            BUSY = MethodHandles.lookup().findVarHandle(BusyPage.class, "busy", int.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    final PageSystem system;

    /** The owner's set that the page is in, resident or cached; null when it is in none. */
    @Nullable
    ResidentSet home;

    private int busy;

    BusyPage(PageSystem system) {
        this.system = system;
    }

    @Override
    public final @Nullable PageOwner owner() {
        ResidentSet set = home;
        return set == null ? null : set.owner();
    }

    final void assertOwned() {
        ResidentSet set = home;
        if (set != null) {
            set.owner().lock().assertHeld();
        }
    }

    @Override
    public boolean busied() {
        return ((int) BUSY.getVolatile(this) & STATE) != 0;
    }

    @Override
    public int busySerial() {
        return (int) BUSY.getVolatile(this) >>> 16;
    }

    @Override
    public boolean xbusied() {
        return ((int) BUSY.getVolatile(this) & EXCLUSIVE) != 0;
    }

    @Override
    public int sharedBusy() {
        return ((int) BUSY.getVolatile(this) & STATE) / SHARER;
    }

    @Override
    public void xbusy() {
        if (!tryXbusy()) {
            throw new KernelPanic("vm_page_xbusy: page %s could not be exclusive busied", this);
        }
    }

    @Override
    public boolean tryXbusy() {
        assertOwned();
        int old = (int) BUSY.getVolatile(this);
        return (old & STATE) == 0 && BUSY.compareAndSet(this, old, exclusive(old));
    }

    /** The exclusive-busy state with the serial number that follows that of {@code old}. */
    private static int exclusive(int old) {
        int serial = (old & ~STATE) + SERIAL;
        return (serial == 0 ? SERIAL : serial) | EXCLUSIVE;
    }

    @Override
    public void xunbusy() {
        assertOwned();
        int old = (int) BUSY.getAndBitwiseAnd(this, ~STATE);
        if ((old & EXCLUSIVE) == 0) {
            throw new KernelPanic("vm_page_xunbusy: page %s was not exclusive busy (%#x)", this, old);
        }
        if ((old & WAITERS) != 0) {
            flash();
        }
    }

    @Override
    public void sbusy() {
        if (!trySbusy()) {
            throw new KernelPanic("vm_page_sbusy: page %s could not be shared busied", this);
        }
    }

    @Override
    public boolean trySbusy() {
        assertOwned();
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            if ((old & EXCLUSIVE) != 0) {
                return false;
            }
            if (BUSY.compareAndSet(this, old, old + SHARER)) {
                return true;
            }
        }
    }

    @Override
    public void sunbusy() {
        assertOwned();
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            int state = old & STATE;
            if (state < SHARER) {
                throw new KernelPanic("vm_page_sunbusy: page %s is not shared busy (%#x)", this, old);
            }
            boolean last = state < 2 * SHARER;
            if (BUSY.compareAndSet(this, old, last ? old & ~STATE : old - SHARER)) {
                if (last && (old & WAITERS) != 0) {
                    flash();
                }
                return;
            }
        }
    }

    @Override
    public void busyDowngrade() {
        assertOwned();
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            if ((old & EXCLUSIVE) == 0) {
                throw new KernelPanic("vm_page_busy_downgrade: page %s is not exclusive busy (%#x)", this, old);
            }
            if (BUSY.compareAndSet(this, old, old - EXCLUSIVE + SHARER)) {
                return;
            }
        }
    }

    @Override
    public boolean hasBusyWaiters() {
        return ((int) BUSY.getVolatile(this) & WAITERS) != 0;
    }

    @Override
    public void busySleep(String waitMessage) {
        PageOwner owner = owner();
        if (owner == null) {
            throw new KernelPanic("vm_page_busy_sleep: page %s has no owner", this);
        }
        KernelLock lock = owner.lock();
        lock.assertHeld();
        // The busy state ends under this lock only, so nobody can call the waiters between here and the sleep.
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            if ((old & STATE) == 0) {
                lock.unlock();
                return;
            }
            if (BUSY.compareAndSet(this, old, old | WAITERS)) {
                system.sleepQueue().sleepAndDrop(this, lock, waitMessage);
                return;
            }
        }
    }

    @Override
    public boolean sleepIfBusy(String waitMessage) {
        PageOwner owner = owner();
        if (owner == null || !busied()) {
            return false;
        }
        busySleep(waitMessage);
        owner.lock().lock();
        return true;
    }

    @Override
    public void flash() {
        system.sleepQueue().wakeup(this);
    }

    /** Ends exclusive busy, if there is any, as the page loses its owner. */
    void endXbusy() {
        if (xbusied()) {
            xunbusy();
        }
    }

    /** Sets the busy state of a page that nobody else can see yet. */
    void startBusy(boolean exclusive, boolean shared) {
        int idle = busy & ~STATE;
        busy = exclusive ? exclusive(idle) : shared ? idle | SHARER : idle;
    }

    /** Ends any busy state of a page without owner. */
    final void resetBusy() {
        busy &= ~STATE;
    }

    /** The busy word as it is, for messages. */
    final int busyWord() {
        return busy;
    }
}
