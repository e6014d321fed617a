// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.process.Process;

class ProcessCommandsTest {
    private static final long START = PageSize.bytes(Rig.BASE);

    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    private static List<String> columns(String line) {
        return List.of(line.trim().split(" +"));
    }

    @Test
    void psShowsSizesAndFaults() {
        Process parent = rig.program("parent", 8);
        rig.touch(parent, 0);
        rig.touch(parent, 1);
        Process child = rig.kernel.processes().fork(parent, "child");
        rig.touch(child, 0);

        List<String> lines = rig.lines("ps");
        assertThat(columns(lines.get(0)))
                .containsExactly(
                        "PID", "UID", "CPU", "SIZE", "RES", "WIRED", "FAULTS", "ZFOD", "COW", "SOFT", "FILE", "SWAP",
                        "NAME");
        assertThat(columns(lines.get(1)))
                .containsExactly("1", "1001", "-", "32", "2", "0", "2", "2", "0", "0", "0", "0", "parent");
        assertThat(columns(lines.get(2)))
                .containsExactly("2", "1001", "0", "32", "2", "0", "1", "0", "1", "0", "0", "0", "child");
        assertThat(lines).hasSize(3);
    }

    @Test
    void psSaysWhoIsGoingToDie() {
        Process victim = rig.program("victim", 8);
        Process guarded = rig.program("guarded", 8);
        guarded.setProtected(true);
        rig.kernel.processes().kill(victim, "out of swap space");
        List<String> lines = rig.lines("ps");
        assertThat(lines.get(1)).endsWith("  victim (killed: out of swap space)");
        assertThat(lines.get(2)).endsWith("  guarded (protected)");
    }

    @Test
    void psGoesPastALockedMap() throws InterruptedException {
        Process stuck = rig.program("stuck", 8);
        rig.program("free", 8);
        Held.during(stuck.space(), () -> {
            List<String> lines = rig.lines("ps");
            assertThat(columns(lines.get(1))).containsSubsequence("1", "32", "locked", "locked", "stuck");
            assertThat(columns(lines.get(2))).containsSubsequence("2", "32", "0", "0", "free");
        });
    }

    @Test
    void mapShowsTheEntries() {
        Process process = rig.program("sh", 8);
        rig.touch(process, 0);
        assertThat(process.space().protect(START + 0x4000, START + 0x6000, Prot.READ))
                .isEqualTo(KernReturn.SUCCESS);
        assertThat(process.space().inherit(START + 0x6000, START + 0x8000, Inheritance.SHARE))
                .isEqualTo(KernReturn.SUCCESS);
        assertThat(process.space().wire(START, START + 0x2000, MapFlags.WIRE_USER))
                .isEqualTo(KernReturn.SUCCESS);

        assertThat(rig.lines("map 1"))
                .containsExactly(
                        "map of process 1: [0x1000, 0x800000000000), 4 entries, 0x8000 bytes, pmap: 2 resident, 2"
                                + " wired",
                        "  [0x100000, 0x102000) rw-/rwx COPY, wired 1 (user), o1 + 0x0",
                        "  [0x102000, 0x104000) rw-/rwx COPY, o1 + 0x2",
                        "  [0x104000, 0x106000) r--/rwx COPY, o1 + 0x4",
                        "  [0x106000, 0x108000) rw-/rwx SHARE, o1 + 0x6");
    }

    @Test
    void pteShowsTheWayToAFrame() {
        Process process = rig.program("sh", 8);
        assertThat(rig.run("pte 1 0x100000")).isEqualTo("0x100000: nothing is mapped");
        rig.touch(process, 0);
        int frame = process.space().pmap().extract(START);
        List<String> lines = rig.lines("pte 1 0x100123");
        assertThat(lines).hasSize(4);
        assertThat(lines.get(0)).startsWith("PML4[0] of frame 0x").endsWith(", V RW U A");
        assertThat(lines.get(2)).startsWith("PD[0] of frame 0x").contains(", table in frame 0x");
        assertThat(lines.get(3))
                .startsWith("PT[256] of frame 0x")
                .endsWith(String.format(", frame 0x%x, NX V RW U A M MANAGED", frame));
        assertThat(rig.lines("pte 1 0x101000")).last().asString().endsWith(": 0, nothing");
        assertThat(rig.failure("pte 2 0")).contains("there is no process 2");
    }

    @Test
    void mapShowsWhatHasNoObjectYet() {
        Process process = rig.program("sh", 8);
        assertThat(rig.lines("map 0x1")).last().isEqualTo("  [0x100000, 0x108000) rw-/rwx COPY, charged, - + 0x0");
        rig.touch(process, 0);
        rig.kernel.processes().fork(process, "child");
        assertThat(rig.lines("map 2"))
                .last()
                .isEqualTo("  [0x100000, 0x108000) rw-/rwx COPY, copy-on-write, needs-copy, charged, o1 + 0x0");
    }

    @Test
    void mapOfTheKernelShowsSubmapsInside() {
        long start = rig.kernel.processes().kernelSpace().min() + PageSize.bytes(16);
        rig.kernel.processes().kernelSubmap(start, start + PageSize.bytes(16));
        String range = String.format("[0x%x, 0x%x)", start, start + PageSize.bytes(16));
        List<String> lines = rig.lines("map kernel");
        assertThat(lines.get(0)).startsWith("map of kernel: [").contains(" 1 entries, ");
        assertThat(lines.get(1)).startsWith("  " + range + " ").endsWith(", submap");
        assertThat(lines.get(2)).startsWith("    map of the submap: " + range + ", 0 entries");
    }

    @Test
    void procvmNamesTheProcess() {
        Process process = rig.program("sh", 8);
        process.setProtected(true);
        List<String> lines = rig.lines("procvm 1");
        assertThat(lines.get(0)).isEqualTo("process 1: sh, uid 1001, protected");
        assertThat(lines.subList(1, lines.size())).isEqualTo(rig.lines("map 1"));
    }

    @Test
    void aLockedMapIsMarked() throws InterruptedException {
        Process process = rig.program("sh", 8);
        Held.during(process.space(), () -> {
            assertThat(rig.run("map 1")).isEqualTo("map of process 1: 0x8000 bytes (locked)");
        });
    }

    @Test
    void aLongMapIsCut() {
        Process process = rig.kernel.processes().create("sparse", Rig.USER);
        int entries = Answer.LIMIT + 10;
        for (int i = 0; i < entries; i++) {
            long start = PageSize.bytes(2L * i + 1);
            process.space().insert(null, 0, start, start + PageSize.BYTES, Prot.RW, Prot.ALL, 0);
        }
        assertThat(rig.lines("map 1")).hasSize(Answer.LIMIT + 1).last().isEqualTo("... and 11 more lines");
    }

    @Test
    void saysWhatWasExpected() {
        assertThat(rig.failure("map")).isEqualTo("map: too few arguments; usage: map PID|kernel");
        assertThat(rig.failure("map 7")).isEqualTo("map: there is no process 7; usage: map PID|kernel");
        assertThat(rig.failure("map user")).contains("\"user\" is no number");
        assertThat(rig.failure("procvm 4294967296")).contains("is too large: expected 0 to 2147483647");
        assertThat(rig.failure("ps 1")).isEqualTo("ps: too many arguments; usage: ps");
    }
}
