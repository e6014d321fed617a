// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.process.Process;

class VmopagCommandTest {
    private static final String MORE = "more: ";

    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void showsObjectsInOrderOfAllocation() {
        Process process = rig.program("sh", 8);
        rig.touch(process, 4);
        VmObject object = rig.objectOf(process);
        rig.kernel.objects().allocate(ObjectType.DEFAULT, 3);

        assertThat(rig.lines("vmopag"))
                .containsExactly(
                        "object kernel_object: 0 resident",
                        "object kmem_object: 0 resident",
                        "object o1: 1 resident",
                        String.format(
                                "  index 0x4 run 1 pa 0x%x", page(object, 4).physicalAddress()),
                        "object o2: 0 resident");
    }

    @Test
    void startsWhereAsked() {
        Process process = rig.program("sh", 300);
        rig.touch(process, 4);
        rig.touch(process, 200);
        VmObject object = rig.objectOf(process);
        rig.kernel.objects().allocate(ObjectType.DEFAULT, 3);

        assertThat(rig.lines("vmopag o1 5"))
                .containsExactly(
                        "object o1: 2 resident",
                        String.format(
                                "  index 0xc8 run 1 pa 0x%x", page(object, 200).physicalAddress()),
                        "object o2: 0 resident");
        assertThat(rig.lines("vmopag 2")).containsExactly("object o2: 0 resident");
    }

    private static Page page(VmObject object, long pindex) {
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        object.lock().unlock();
        return page;
    }

    @Test
    void blocksJoinToTheWhole() {
        Process process = rig.program("sh", 1000);
        for (int page = 0; page < 1000; page += 2) {
            rig.touch(process, page);
        }
        for (int i = 0; i < 2 * VmopagCommand.BLOCK; i++) {
            rig.kernel.objects().allocate(ObjectType.DEFAULT, 1);
        }
        List<Long> indexes = new ArrayList<>();
        List<String> objects = new ArrayList<>();
        String command = "vmopag";
        int blocks = 0;
        while (command != null) {
            List<String> block = rig.lines(command);
            assertThat(block).hasSizeLessThanOrEqualTo(VmopagCommand.BLOCK + 1);
            blocks++;
            command = null;
            for (String line : block) {
                if (line.startsWith("  index 0x")) {
                    indexes.add(Long.parseLong(line.split(" ")[3].substring(2), 16));
                } else if (line.startsWith(MORE)) {
                    command = line.substring(MORE.length());
                } else if (objects.isEmpty() || !line.equals(objects.get(objects.size() - 1))) {
                    objects.add(line);
                }
            }
        }
        assertThat(blocks).isGreaterThan(6);
        List<Long> touched = new ArrayList<>();
        for (long page = 0; page < 1000; page += 2) {
            touched.add(page);
        }
        assertThat(indexes).isEqualTo(touched);
        assertThat(objects).hasSize(2 + 1 + 2 * VmopagCommand.BLOCK).doesNotHaveDuplicates();
    }

    @Test
    void goesPastALockedObject() throws InterruptedException {
        Process process = rig.program("sh", 8);
        rig.touch(process, 4);
        rig.kernel.objects().allocate(ObjectType.DEFAULT, 3);
        Held.during(rig.objectOf(process).lock(), () -> {
            assertThat(rig.lines("vmopag o1"))
                    .containsExactly("object o1: 1 resident (locked)", "object o2: 0 resident");
        });
    }

    @Test
    void saysWhatWasExpected() {
        assertThat(rig.failure("vmopag o7"))
                .isEqualTo("vmopag: there is no object o7; usage: vmopag [OBJECT [PINDEX]]");
        assertThat(rig.failure("vmopag kmem_object x")).contains("\"x\" is no number");
        assertThat(rig.failure("vmopag kmem_object 1 2")).contains("too many arguments");
    }
}
