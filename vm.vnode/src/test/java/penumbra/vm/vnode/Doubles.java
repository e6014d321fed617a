// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import penumbra.hw.Machine;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.object.VmObject;
import penumbra.pager.Pagers;
import penumbra.vnode.Vnode;

/** Stand-ins for what the vnode table calls: they note what was called. */
final class Doubles {
    /** What was called, in order. */
    final List<String> calls = new ArrayList<>();
    /** Whether pages cannot be written. */
    boolean cleanFails;

    Machine machine() {
        return stub(Machine.class, (proxy, method, arguments) -> {
            if (method.getName().equals("panic")) {
                return null;
            }
            throw new AssertionError("unexpected: " + method);
        });
    }

    /** Pagers that untie an object from its vnode as the pager of files does. */
    Pagers pagers() {
        return stub(Pagers.class, (proxy, method, arguments) -> {
            calls.add(method.getName());
            if (method.getName().equals("deallocate")) {
                VmObject object = (VmObject) arguments[0];
                untie((Vnode) object.handle(), object.refCount());
                return null;
            }
            throw new AssertionError("unexpected: " + method);
        });
    }

    /** An object with {@code references} references that is tied to {@code vnode}. */
    VmObject object(Vnode vnode, int references) {
        KernelLock lock = new KernelLock(LockRank.OBJECT, "object");
        VmObject object = stub(VmObject.class, (proxy, method, arguments) -> {
            switch (method.getName()) {
                case "lock":
                    return lock;
                case "handle":
                    return vnode;
                case "refCount":
                    return references;
                case "pageClean":
                    calls.add("pageClean");
                    lock.assertHeld();
                    return !cleanFails;
                case "terminate":
                    calls.add("terminate");
                    untie(vnode, 0);
                    lock.unlock();
                    return null;
                case "toString":
                    return "object";
                case "hashCode":
                    return 1;
                case "equals":
                    return proxy == arguments[0];
                default:
                    throw new AssertionError("unexpected: " + method);
            }
        });
        vnode.setObject(object);
        return object;
    }

    private static void untie(Vnode vnode, int references) {
        vnode.lock().assertHeld();
        vnode.setObject(null);
        for (int i = 0; i < references; i++) {
            vnode.releaseLocked();
        }
    }

    private static <T> T stub(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
