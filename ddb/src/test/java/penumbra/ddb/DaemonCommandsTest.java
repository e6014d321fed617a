// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.PageCounts;
import penumbra.process.Process;

/** The commands around the page daemon, pagers, panics and locks. */
class DaemonCommandsTest {
    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void pageoutSaysWhatBecameOfTheCounts() {
        rig.pagedOut("sh");
        PageCounts counts = rig.kernel.pages().counts();
        String before = "free " + counts.free() + ", cache " + counts.cache() + ", active " + counts.active()
                + ", inactive " + counts.inactive();
        long passes = rig.kernel.pageout().passes();
        long laundered = rig.kernel.pageout().laundered();

        List<String> lines = rig.lines("pageout 2");
        assertThat(lines)
                .containsExactly(
                        before,
                        "free " + counts.free() + ", cache " + counts.cache() + ", active " + counts.active()
                                + ", inactive " + counts.inactive() + ", laundered "
                                + (rig.kernel.pageout().laundered() - laundered));
        assertThat(rig.kernel.pageout().passes()).isEqualTo(passes + 1);
    }

    @Test
    void pageoutIsRefusedAfterAPanic() {
        rig.kernel.machine().halt(new KernelPanic("vm_page_free: page %#x is busy", 0x12));
        assertThat(rig.failure("pageout 1"))
                .isEqualTo("pageout: the machine is halted: vm_page_free: page 0x12 is busy");
        assertThat(rig.kernel.pageout().passes()).isZero();
    }

    @Test
    void policyShowsAndChanges() {
        assertThat(rig.run("policy")).isEqualTo("freebsd10");
        assertThat(rig.run("policy freebsd10")).isEqualTo("freebsd10 -> freebsd10");
        assertThat(rig.failure("policy clock")).isEqualTo("policy: there is no policy \"clock\"; usage: policy [NAME]");
        assertThat(rig.run("policy")).isEqualTo("freebsd10");
    }

    @Test
    void useMmuShowsAndChanges() {
        Process process = rig.program("sh", 8);
        rig.touch(process, 4);
        assertThat(rig.run("use-mmu")).isEqualTo("amd64 riscv: amd64 serves, 0 changes so far");
        assertThat(rig.run("use-mmu riscv")).isEqualTo("amd64 -> riscv");
        assertThat(rig.failure("use-mmu vax"))
                .isEqualTo("use-mmu: there is no MMU \"vax\": expected one of [riscv, amd64]; usage: use-mmu [NAME]");
        rig.touch(process, 2);
        assertThat(rig.run("use-mmu")).isEqualTo("riscv amd64: riscv serves, 1 changes so far");
    }

    @Test
    void panicShowsMessageAndStack() {
        assertThat(rig.run("panic")).isEqualTo("the machine has not panicked");
        rig.kernel.machine().halt(new KernelPanic("collapse: %d references", 3));
        List<String> lines = rig.lines("panic");
        assertThat(lines.get(0)).isEqualTo("panic: collapse: 3 references");
        assertThat(lines.get(1)).contains("DaemonCommandsTest.panicShowsMessageAndStack");
    }

    @Test
    void aPanickedMachineStaysReadable() throws InterruptedException {
        Process process = rig.program("sh", 8);
        rig.touch(process, 2);
        VmObject object = rig.objectOf(process);
        rig.kernel.machine().halt(new KernelPanic("here"));
        Held.during(process.space(), () -> {
            assertThat(rig.run("ps")).contains("locked").contains("sh");
            assertThat(rig.run("map 1")).endsWith("(locked)");
            assertThat(rig.run("vmochk")).startsWith("the map of process 1 is locked");
        });
        Held.during(object.lock(), () -> {
            assertThat(rig.run("object o1 full")).contains("res 1,").contains("(locked)");
            assertThat(rig.run("vmopag")).contains("object o1: 1 resident (locked)");
            assertThat(rig.run("alllocks")).isEqualTo("object o1\n1 locked");
            assertThat(rig.run("page")).contains("active 1");
            assertThat(rig.run("sysctl vm.stats.vm.v_zfod")).isEqualTo("vm.stats.vm.v_zfod: 1");
            assertThat(rig.run("panic")).startsWith("panic: here\n");
        });
    }

    @Test
    void pagersShowsStoresAndPagers() {
        List<String> lines = rig.lines("pagers");
        assertThat(lines.get(0).split(" +"))
                .containsExactly("TYPE", "NAME", "RANKING", "OBJECTS", "PAGES", "INFLIGHT", "STATE");
        assertThat(lines).hasSize(1 + rig.kernel.pagers().status().size());
        assertThat(lines).anyMatch(line -> line.matches("swap +file +0 +0 +0 +0 +active"));
        assertThat(lines).anyMatch(line -> line.startsWith("vnode ") && line.endsWith("  active"));
    }

    @Test
    void alllocksShowsWhatIsLocked() throws InterruptedException {
        assertThat(rig.run("alllocks")).isEqualTo("0 locked");
        VmObject theirs = rig.kernel.objects().allocate(ObjectType.DEFAULT, 1);
        VmObject mine = rig.kernel.objects().allocate(ObjectType.DEFAULT, 1);
        rig.kernel.objects().allocate(ObjectType.DEFAULT, 1);
        mine.lock().lock();
        Held.during(theirs.lock(), () -> {
            assertThat(rig.lines("alllocks")).containsExactly("object o1", "object o2", "2 locked");
        });
        assertThat(rig.lines("alllocks")).containsExactly("object o2", "1 locked");
        mine.lock().unlock();
    }

    @Test
    void witnessShowsTheOrder() {
        assertThat(rig.lines("witness"))
                .containsExactly(
                        "witness: on",
                        "VNODE -> ADDRESS_SPACE -> OBJECT -> LOCATION_MAP -> PAGE -> PAGE_BATCH -> PAGE_QUEUE -> PMAP"
                                + " -> PV -> STORE -> FREE_LIST -> LEAF");
    }

    @Test
    void saysWhatWasExpected() {
        assertThat(rig.failure("pageout")).isEqualTo("pageout: too few arguments; usage: pageout PASS");
        assertThat(rig.failure("pageout 3")).contains("\"3\" is too large: expected 0 to 2");
        assertThat(rig.failure("pagers swap")).contains("too many arguments");
    }
}
