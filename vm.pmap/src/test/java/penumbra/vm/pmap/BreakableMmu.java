// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import penumbra.hw.Mmu;
import penumbra.hw.MmuSpace;

/** An MMU in front of a real one that fails when it is told to. */
final class BreakableMmu {
    private final Mmu mmu;
    private String failing = "";
    private int good;
    private int calls;

    BreakableMmu(Mmu real) {
        mmu = breakable(Mmu.class, real);
    }

    Mmu mmu() {
        return mmu;
    }

    /** Lets calls of {@code method} fail from now on; none while it is empty. */
    void fail(String method) {
        fail(method, 0);
    }

    /** Lets calls of {@code method} fail after {@code first} more. */
    void fail(String method, int first) {
        failing = method;
        good = first;
        calls = 0;
    }

    /** How often anything was called since {@link #fail}. */
    int calls() {
        return calls;
    }

    private <T> T breakable(Class<T> type, T real) {
        Object proxy =
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    calls++;
                    if (method.getName().equals(failing) && good-- <= 0) {
                        throw new IllegalStateException("test: " + failing);
                    }
                    try {
                        Object result = method.invoke(real, arguments);
                        return result instanceof MmuSpace space ? breakable(MmuSpace.class, space) : result;
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getCause();
                    }
                });
        return type.cast(proxy);
    }
}
