// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.account.SwapAccounting;

class SysctlCommandTest {
    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void countersShowsEveryStatisticInOrder() {
        rig.touch(rig.program("sh", 8), 1);
        TreeMap<String, Long> expected = new TreeMap<>();
        rig.kernel.counters().forEach(source -> source.forEach(expected::put));

        List<String> lines = rig.lines("counters");
        assertThat(lines)
                .containsExactlyElementsOf(expected.entrySet().stream()
                        .map(entry -> entry.getKey() + ": " + entry.getValue())
                        .toList());
        assertThat(lines).contains("vm.stats.vm.v_zfod: 1", "vm.stats.object.collapses: 0");
    }

    @Test
    void namesSelect() {
        assertThat(rig.lines("counters vm.stats.object"))
                .containsExactly("vm.stats.object.bypasses: 0", "vm.stats.object.collapses: 0");
        assertThat(rig.lines("sysctl vm.stats.object.collapses vm.overcommit"))
                .containsExactly("vm.stats.object.collapses: 0", "vm.overcommit: 0");
        assertThat(rig.failure("counters vm.stats.obj"))
                .isEqualTo("counters: there is no value \"vm.stats.obj\"; usage: counters [NAME]...");
        assertThat(rig.failure("sysctl kern.maxproc")).startsWith("sysctl: there is no value \"kern.maxproc\";");
    }

    @Test
    void sysctlShowsWhatCanBeSet() {
        assertThat(rig.lines("sysctl"))
                .containsAll(rig.lines("counters"))
                .contains("vm.old_msync: 0", "vm.swap_async_max: 4", "vfs.wantfreevnodes: 256");
        rig.configurations.stored.put("penumbra.vm.object", Map.of("old.msync", "true"));
        rig.configurations.stored.put("penumbra.vm.pager", Map.of("swap.async.max", 9L));
        assertThat(rig.run("sysctl vm.old_msync vm.swap_async_max")).isEqualTo("vm.old_msync: 1\nvm.swap_async_max: 9");
        rig.configurations.stored.put("penumbra.vm.pager", Map.of("swap.async.max", "many"));
        assertThat(rig.run("sysctl vm.swap_async_max")).isEqualTo("vm.swap_async_max: 4");
    }

    @Test
    void whatTheSystemSaysGoesBeforeWhatWasConfigured() {
        rig.kernel.accounting().setOvercommit(SwapAccounting.LIMIT_USER);
        assertThat(rig.run("sysctl vm.overcommit")).isEqualTo("vm.overcommit: 2");
    }

    @Test
    void settingKeepsWhatElseIsConfigured() {
        rig.configurations.stored.put("penumbra.vm.pager", Map.of("overcommit", 1, "call.millis", 77));
        assertThat(rig.lines("sysctl vm.overcommit=3 vm.swap_async_max=8 vm.old_msync=1"))
                .containsExactly("vm.overcommit: 1 -> 3", "vm.swap_async_max: 4 -> 8", "vm.old_msync: 0 -> 1");
        assertThat(rig.configurations.stored)
                .containsEntry("penumbra.vm.pager", Map.of("overcommit", 3, "call.millis", 77, "swap.async.max", 8))
                .containsEntry("penumbra.vm.object", Map.of("old.msync", true));
    }

    @Test
    void valuesOutOfBoundsAreRefused() {
        String usage = "; usage: sysctl [NAME[=VALUE]]...";
        assertThat(rig.failure("sysctl vm.overcommit=8"))
                .isEqualTo("sysctl: vm.overcommit=8: expected a number from 0 to 7" + usage);
        assertThat(rig.failure("sysctl vm.swap_async_max=0")).contains("expected a number from 1 to 128");
        assertThat(rig.failure("sysctl vm.old_msync=yes")).contains("expected a number from 0 to 1");
        assertThat(rig.failure("sysctl vm.stats.object.collapses=1"))
                .isEqualTo("sysctl: \"vm.stats.object.collapses\" cannot be set" + usage);
        assertThat(rig.configurations.stored).isEmpty();
    }
}
