// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import penumbra.exam.machine.Interposed;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.pager.BackingStore;

/**
 * Puts faults between the layers of a machine: a rule sees each call of an interface and does with it what it likes.
 */
public final class Plant {
    private Plant() {}

    /** What becomes of a call. */
    @FunctionalInterface
    public interface Rule<T> {
        /** Returns what the caller gets; {@code call} makes the real call, perhaps with other arguments. */
        Object run(T real, String method, Object[] arguments, Call call) throws Throwable;
    }

    /** The real call, with the arguments as they are now. */
    @FunctionalInterface
    public interface Call {
        Object go() throws Throwable;
    }

    /** A {@code real} whose calls go through {@code rule}. */
    public static <T> T before(Class<T> type, T real, Rule<T> rule) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
            Object[] arguments = given == null ? new Object[0] : given;
            return rule.run(real, method.getName(), arguments, () -> {
                try {
                    return method.invoke(real, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        }));
    }

    public static Interposed inMemory(Rule<PhysicalMemory> rule) {
        return Interposed.NOTHING.withMemory(real -> before(PhysicalMemory.class, real, rule));
    }

    public static Interposed inMachine(Rule<Machine> rule) {
        return Interposed.NOTHING.withMachine(real -> before(Machine.class, real, rule));
    }

    public static Interposed inMmu(Rule<Mmu> rule) {
        return Interposed.NOTHING.withMmu(real -> before(Mmu.class, real, rule));
    }

    /** In the tables of every address space. */
    public static Interposed inSpaces(Rule<MmuSpace> rule) {
        return inMmu((real, method, arguments, call) -> {
            Object result = call.go();
            return method.equals("create") ? before(MmuSpace.class, (MmuSpace) result, rule) : result;
        });
    }

    public static Interposed inStore(Rule<BackingStore> rule) {
        return Interposed.NOTHING.withStore(real -> before(BackingStore.class, real, rule));
    }
}
