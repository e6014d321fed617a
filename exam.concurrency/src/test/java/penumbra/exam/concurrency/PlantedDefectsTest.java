// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The tests of interleavings find what is planted in the structures that they are about. In a JVM of its own, as the
 * checker knows classes by their names.
 */
class PlantedDefectsTest {
    private static final String FREE_LISTS = "vm.page.FreeListInterleavingsTest#everyPageIsSomebodysOrFree";
    private static final String TRIE = "vm.page.TrieInterleavingsTest#aSetOfPindexes";
    private static final String QUEUE = "vm.page.QueueInterleavingsTest#aCursorMeetsEveryPageThatStays";
    private static final String BUSY_WORD = "vm.page.BusyWordInterleavingsTest#oneOwnerOrAnyNumberOfSharers";
    private static final String FLAGS = "vm.page.PageFlagInterleavingsTest#noFlagIsLost";
    private static final String DIRTY_BITS = "vm.page.DirtyBitInterleavingsTest#noModificationIsLost";
    private static final String AMD64 = "hw.amd64.PvListInterleavingsTest#everyMappingIsInItsList";
    private static final String RISCV = "hw.riscv.ChainInterleavingsTest#everyMappingIsInItsChain";
    private static final String LOG = "hw.sim.InvalidationInterleavingsTest#whatWasAnnouncedIsForgotten";
    private static final String SHOOTDOWN =
            "hw.sim.ShootdownInterleavingsTest#nobodyStoresThroughATranslationThatWasShotDown";
    private static final String LOCK = "exam.concurrency.LockInterleavingsTest#aLockKeepsOneOut";

    @TempDir
    private Path classes;

    private void plant(String type, Defect defect) throws IOException {
        String file = "penumbra/" + type.replace('.', '/') + ".class";
        Path place = classes.resolve(file);
        Files.createDirectories(place.getParent());
        try (InputStream real = getClass().getClassLoader().getResourceAsStream(file)) {
            Files.write(place, defect.plant(real.readAllBytes()));
        }
    }

    /** Runs tests with the planted classes; each of them finds something. */
    private void find(String... tests) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+EnableDynamicAgentLoading",
                "-Xshare:off",
                "-XX:TieredStopAtLevel=1",
                "-Dpenumbra.interleavings=" + Operations.INTERLEAVINGS,
                "-cp",
                classes + System.getProperty("path.separator") + System.getProperty("java.class.path"),
                Inspection.class.getName()));
        for (String test : tests) {
            command.add("penumbra." + test);
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> said =
                new String(process.getInputStream().readAllBytes()).lines().toList();
        assertEquals(0, process.waitFor(), () -> String.join("\n", said));
        for (String test : tests) {
            List<String> findings = said.stream()
                    .filter(line -> line.startsWith("penumbra." + test))
                    .toList();
            assertEquals(1, findings.size(), () -> String.join("\n", said));
            System.out.println(findings.get(0));
            assertEquals(-1, findings.get(0).indexOf(": nothing"), findings.get(0));
        }
    }

    @Test
    void whatNeedsALockDoesWithout() throws Exception {
        plant("vm.page.FreeMemory", Defect.NO_LOCK);
        plant("vm.page.TrieInterleavingsTest", Defect.NO_LOCK);
        plant("vm.page.PageQueue", Defect.NO_LOCK);
        plant("vm.page.ContentPage", Defect.NOT_ATOMIC);
        plant("hw.amd64.PvListInterleavingsTest", Defect.NO_LOCK);
        plant("hw.riscv.ChainInterleavingsTest", Defect.NO_LOCK);
        plant("exam.concurrency.LockInterleavingsTest", Defect.NO_LOCK);
        find(FREE_LISTS, TRIE, QUEUE, DIRTY_BITS, AMD64, RISCV, LOCK);
    }

    @Test
    void whatNeedsNoneIsTorn() throws Exception {
        plant("vm.page.PageQueue$Marker", Defect.NO_LOCK);
        plant("vm.page.BusyPage", Defect.NOT_ATOMIC);
        plant("vm.page.VmPage", Defect.NOT_ATOMIC);
        plant("hw.sim.InvalidationLog", Defect.NOT_ATOMIC);
        plant("hw.sim.SimMachine", Defect.NO_WAIT);
        find(QUEUE, BUSY_WORD, FLAGS, LOG, SHOOTDOWN);
    }
}
