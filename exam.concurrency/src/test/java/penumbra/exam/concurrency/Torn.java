// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import java.lang.invoke.VarHandle;

/** Atomic updates that are none: what was read may have changed before something is written. */
public final class Torn {
    private Torn() {}

    /** Stands for {@link VarHandle#compareAndSet}. */
    public static boolean compareAndSet(VarHandle handle, Object of, int expected, int value) {
        if ((int) handle.getVolatile(of) != expected) {
            return false;
        }
        handle.setVolatile(of, value);
        return true;
    }

    /** Stands for {@link VarHandle#compareAndSet}. */
    public static boolean compareAndSet(VarHandle handle, Object of, byte expected, byte value) {
        if ((byte) handle.getVolatile(of) != expected) {
            return false;
        }
        handle.setVolatile(of, value);
        return true;
    }

    /** Stands for {@link VarHandle#compareAndSet} on an array: it is always done. */
    public static boolean compareAndSet(VarHandle handle, Object array, int index, long expected, long value) {
        handle.setVolatile(array, index, value);
        return true;
    }

    /** Stands for {@link VarHandle#getAndAdd}. */
    public static long getAndAdd(VarHandle handle, Object of, long more) {
        long before = (long) handle.getVolatile(of);
        handle.setVolatile(of, before + more);
        return before;
    }

    /** Stands for {@link VarHandle#getAndBitwiseAnd}. */
    public static int getAndBitwiseAnd(VarHandle handle, Object of, int mask) {
        int before = (int) handle.getVolatile(of);
        handle.setVolatile(of, before & mask);
        return before;
    }

    /** Stands for {@link VarHandle#getAndBitwiseAnd}. */
    public static byte getAndBitwiseAnd(VarHandle handle, Object of, byte mask) {
        byte before = (byte) handle.getVolatile(of);
        handle.setVolatile(of, (byte) (before & mask));
        return before;
    }

    /** Stands for {@link VarHandle#getAndBitwiseOr}. */
    public static byte getAndBitwiseOr(VarHandle handle, Object of, byte bits) {
        byte before = (byte) handle.getVolatile(of);
        handle.setVolatile(of, (byte) (before | bits));
        return before;
    }
}
