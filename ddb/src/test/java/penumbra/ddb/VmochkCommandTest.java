// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.AddressSpace;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.process.Process;

class VmochkCommandTest {
    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void nothingToComplainAbout() {
        Process parent = rig.program("parent", 8);
        rig.touch(parent, 0);
        Process child = rig.kernel.processes().fork(parent, "child");
        rig.touch(child, 0);
        rig.touch(parent, 0);
        rig.kernel.processes().vfork(child, "grandchild");
        assertThat(rig.run("vmochk")).isEqualTo("vmochk: 3 internal objects, 0 complaints");
    }

    @Test
    void anInternalObjectInNoMap() {
        VmObject behind = rig.kernel.objects().allocate(ObjectType.DEFAULT, 5);
        behind.reference();
        VmObject front = rig.kernel.objects().shadow(behind, 0, 3);
        rig.kernel.objects().allocate(ObjectType.PHYS, 7);

        assertThat(rig.lines("vmochk"))
                .containsExactly(
                        "o1: not in any map: ref 2, size 0x5, backing -",
                        "o2: not in any map: ref 1, size 0x3, backing o1",
                        "vmochk: 2 internal objects, 2 complaints");

        Process process = rig.kernel.processes().create("mapper", Rig.USER);
        assertThat(process.space().insert(front, 0, 0x10000, 0x13000, Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        assertThat(rig.run("vmochk")).isEqualTo("vmochk: 2 internal objects, 0 complaints");
    }

    @Test
    void whatTheKernelMapsInASubmapIsMapped() {
        VmObject object = rig.kernel.objects().allocate(ObjectType.DEFAULT, 4);
        AddressSpace kernel = rig.kernel.processes().kernelSpace();
        long start = kernel.min() + PageSize.bytes(16);
        AddressSpace submap = rig.kernel.processes().kernelSubmap(start, start + PageSize.bytes(16));
        assertThat(submap.insert(object, 0, start, start + PageSize.bytes(4), Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        assertThat(rig.run("vmochk")).isEqualTo("vmochk: 1 internal objects, 0 complaints");
    }

    @Test
    void anInternalObjectWithoutReferences() {
        Process process = rig.program("sh", 4);
        rig.touch(process, 0);
        VmObject object = rig.objectOf(process);
        VmObject unreferenced = with(VmObject.class, object, "refCount", arguments -> 0);
        VmObjects objects = with(VmObjects.class, rig.kernel.objects(), "forEach", arguments -> {
            visitor(arguments[0]).accept(unreferenced);
            return null;
        });
        VmochkCommand vmochk = new VmochkCommand(objects, rig.kernel.processes());

        assertThat(vmochk.vmochk().lines())
                .contains("o1: reference count 0: ref 0, size 0x4, backing -")
                .last()
                .asString()
                .startsWith("vmochk: 1 internal objects, ");
    }

    @SuppressWarnings("unchecked")
    private static Consumer<VmObject> visitor(Object argument) {
        return (Consumer<VmObject>) argument;
    }

    private interface Answering {
        Object answer(Object[] arguments);
    }

    /** {@code real}, but for the answer of one method. */
    private static <T> T with(Class<T> type, T real, String name, Answering other) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    if (method.getName().equals(name)) {
                        return other.answer(arguments);
                    }
                    try {
                        return method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    @Test
    void saysWhoseMapItCouldNotRead() throws InterruptedException {
        Process process = rig.program("sh", 4);
        rig.touch(process, 0);
        Held.during(process.space(), () -> {
            assertThat(rig.lines("vmochk"))
                    .containsExactly(
                            "the map of process 1 is locked: its objects seem to be in no map",
                            "o1: not in any map: ref 1, size 0x4, backing -",
                            "vmochk: 1 internal objects, 1 complaints");
        });
    }

    @Test
    void marksALockedObject() throws InterruptedException {
        VmObject object = rig.kernel.objects().allocate(ObjectType.DEFAULT, 5);
        Held.during(object.lock(), () -> {
            assertThat(rig.lines("vmochk"))
                    .first()
                    .isEqualTo("o1: not in any map: ref 1, size 0x5, backing - (locked)");
        });
    }

    @Test
    void takesNoArguments() {
        assertThat(rig.failure("vmochk o1")).isEqualTo("vmochk: too many arguments; usage: vmochk");
    }
}
