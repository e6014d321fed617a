// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.process.Process;

class ObjectCommandTest {
    private static final Pattern RUN =
            Pattern.compile("  memory: index 0x(\\p{XDigit}+) run (\\d+) pa 0x(\\p{XDigit}+)");

    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void showsEveryField() {
        Process process = rig.program("sh", 16);
        rig.touch(process, 0);
        rig.touch(process, 1);
        rig.touch(process, 5);
        VmObject object = rig.objectOf(process);

        assertThat(rig.run("object " + object.id()))
                .isEqualTo("object o" + object.id()
                        + ": type DEFAULT, size 0x10, res 3, ref 1, flags 0x3000 <COLORED,ONEMAPPING>, uid 1001,"
                        + " charge 0x10000\n"
                        + "  sref 0, backing - (ref 0) + 0x0\n"
                        + "  pip 0, generation 1, color 0x100, memattr 0");
    }

    @Test
    void takesTheNumberAsItIsPrintedAndInHexadecimal() {
        for (int i = 0; i < 10; i++) {
            rig.kernel.objects().allocate(ObjectType.DEFAULT, 10 + i);
        }
        String tenth = rig.run("object 10");
        assertThat(tenth).startsWith("object o10: ").contains("size 0x13");
        assertThat(rig.run("object o10")).isEqualTo(tenth);
        assertThat(rig.run("object 0xa")).isEqualTo(tenth);
        assertThat(rig.run("object o0xA")).isEqualTo(tenth);
    }

    @Test
    void knowsTheKernelsObjectsByName() {
        assertThat(rig.run("object kernel_object")).startsWith("object kernel_object: type PHYS, size 0x1fffffff,");
        assertThat(rig.run("object kmem_object")).startsWith("object kmem_object: type PHYS, size 0x1fffffff,");
    }

    @Test
    void showsTheChain() {
        Process parent = rig.program("parent", 8);
        rig.touch(parent, 3);
        VmObject backing = rig.objectOf(parent);
        Process child = rig.kernel.processes().fork(parent, "child");
        rig.touch(parent, 3);
        rig.touch(child, 3);
        VmObject ofParent = rig.objectOf(parent);
        VmObject ofChild = rig.objectOf(child);

        assertThat(rig.run("object " + ofChild.id())).contains("  sref 0, backing o" + backing.id() + " (ref 2) + 0x0");
        assertThat(rig.run("object " + backing.id()))
                .contains("ref 2,")
                .contains("  sref 2, backing - ")
                .contains("  shadows o" + ofChild.id() + " o" + ofParent.id());
    }

    @Test
    void fullShowsEachResidentPageInOneRun() {
        Process process = rig.program("sh", 64);
        for (int page : new int[] {0, 1, 2, 3, 10, 11, 40, 63}) {
            rig.touch(process, page);
        }
        VmObject object = rig.objectOf(process);
        String plain = rig.run("object " + object.id());

        List<String> full = rig.lines("object " + object.id() + " full");
        assertThat(String.join("\n", full)).startsWith(plain + "\n");
        assertThat(addresses(full)).isEqualTo(resident(object));
        assertThat(full.stream().filter(line -> line.startsWith("  memory: ")).count())
                .isLessThan(8)
                .isGreaterThanOrEqualTo(4);
    }

    private static Map<Long, Long> addresses(List<String> lines) {
        Map<Long, Long> addresses = new TreeMap<>();
        for (String line : lines) {
            Matcher run = RUN.matcher(line);
            if (run.matches()) {
                for (long i = 0; i < Long.parseLong(run.group(2)); i++) {
                    addresses.put(
                            Long.parseLong(run.group(1), 16) + i, Long.parseLong(run.group(3), 16) + PageSize.bytes(i));
                }
            }
        }
        return addresses;
    }

    private static Map<Long, Long> resident(VmObject object) {
        Map<Long, Long> addresses = new TreeMap<>();
        object.lock().lock();
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            addresses.put(page.pindex(), PageSize.bytes(page.frame()));
        }
        object.lock().unlock();
        return addresses;
    }

    @Test
    void fullShowsWhereSwappedPagesAre() {
        VmObject object = rig.objectOf(rig.pagedOut("sh"));
        List<String> expected = new ArrayList<>();
        object.lock().lock();
        rig.kernel
                .swap()
                .forEach(
                        object,
                        (pindex, store, slot, version, checksum) -> expected.add(String.format(
                                "  swapped: index 0x%x store file slot %d version %d crc 0x%08x",
                                pindex, slot, version, checksum)));
        int blocks = rig.kernel.swap().blocks(object);
        object.lock().unlock();

        assertThat(expected).hasSizeGreaterThan(100);
        assertThat(rig.lines("object " + object.id() + " full")).containsAll(expected);
        assertThat(rig.lines("object " + object.id()))
                .contains("  swap: " + expected.size() + " pages, " + blocks + " blocks of the location map")
                .doesNotContainAnyElementsOf(expected);
    }

    @Test
    void namesTheHandle() {
        VmObject object = rig.kernel.objects().allocate(ObjectType.PHYS, 4);
        object.setHandle("frame buffer");
        assertThat(rig.run("object " + object.id())).contains("\n  handle frame buffer");
    }

    @Test
    void marksWhatItReadsWithoutTheLock() throws InterruptedException {
        Process process = rig.program("sh", 8);
        rig.touch(process, 0);
        VmObject object = rig.objectOf(process);
        Held.during(object.lock(), () -> {
            assertThat(rig.lines("object " + object.id() + " full"))
                    .hasSize(3)
                    .first()
                    .asString()
                    .contains("res 1, ref 1,")
                    .endsWith(" (locked)");
        });
        assertThat(rig.lines("object " + object.id() + " full"))
                .hasSize(4)
                .first()
                .asString()
                .doesNotContain("locked");
    }

    @Test
    void readsUnderALockThatThisThreadLeftLocked() {
        VmObject object = rig.kernel.objects().allocate(ObjectType.DEFAULT, 8);
        object.lock().lock();
        ObjectCommand command = new ObjectCommand(rig.kernel.objects(), rig.kernel.swap());
        assertThat(command.object("o1")).contains("size 0x8").doesNotContain("locked");
        assertThat(object.lock().isHeld()).isTrue();
        object.lock().unlock();
    }

    @Test
    void saysWhatWasExpected() {
        String usage = "; usage: object NUMBER [full]";
        assertThat(rig.failure("object")).isEqualTo("object: too few arguments" + usage);
        assertThat(rig.failure("object 99")).isEqualTo("object: there is no object o99" + usage);
        assertThat(rig.failure("object o")).startsWith("object: \"\" is no number");
        assertThat(rig.failure("object 12z")).startsWith("object: \"12z\" is no number");
        assertThat(rig.failure("object -3")).startsWith("object: \"-3\" is no number");
        assertThat(rig.failure("object 0x")).startsWith("object: \"0x\" is no number");
        assertThat(rig.failure("object 99999999999999999999")).contains("is no number");
        assertThat(rig.failure("object kernel_object all")).contains("\"all\" is not \"full\"");
        assertThat(rig.failure("object kernel_object full 3")).isEqualTo("object: too many arguments" + usage);
    }
}
