// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import penumbra.map.FaultCounts;
import penumbra.page.PageLimits;

/** The end of a replay in words and as JSON. */
final class Report {
    /**
     * What the machine needs besides its pages: tables, PV entries and page descriptions, a sixteenth and 4 MiB at
     * most.
     */
    private static final long MEMORY_CONSTANT = 4L << 20;

    private final Tally tally;
    private final ReplayOptions options;
    private final PageLimits limits;

    Report(Tally tally, ReplayOptions options, PageLimits limits) {
        this.tally = tally;
        this.options = options;
        this.limits = limits;
    }

    void print(PrintStream out) {
        FaultCounts faults = tally.faults();
        var references = tally.references();
        line(
                out,
                "references",
                "%,d: %,d fetches, %,d loads, %,d stores, %,d modifies",
                references.total(),
                references.fetches(),
                references.loads(),
                references.stores(),
                references.modifies());
        line(out, "processes", "%d, %d forks, %,d calls", tally.processes(), tally.forks(), tally.calls());
        line(out, "MMU", "%s, %,d changes", tally.mmu(), tally.mmuSwitches());
        line(out, "TLB", "%,d hits, %,d walks, %,d traps", tally.tlbHits(), tally.walks(), tally.traps());
        line(
                out,
                "faults",
                "%,d: %,d zero-fill, %,d copy-on-write (%,d copies avoided), %,d soft, %,d file read, %,d swap read, %,d protection",
                faults.total(),
                faults.zeroFill(),
                faults.copyOnWrite(),
                faults.copyAvoided(),
                faults.soft(),
                faults.fileRead(),
                faults.swapRead(),
                faults.protection());
        line(
                out,
                "paging",
                "swap %,d pages out, %,d in; files %,d pages out, %,d in",
                tally.counter("v_swappgsout"),
                tally.counter("v_swappgsin"),
                tally.counter("v_vnodepgsout"),
                tally.counter("v_vnodepgsin"));
        line(
                out,
                "objects",
                "%,d collapses, %,d bypasses, longest chain %d",
                tally.collapses(),
                tally.bypasses(),
                tally.longestChain());
        if (options.swapPagerEvery() != null) {
            line(
                    out,
                    "stores",
                    "%,d replacements, %,d pages moved in %,d clusters",
                    tally.replacements(),
                    tally.counters().getOrDefault("vm.swap.moved", 0L),
                    tally.counters().getOrDefault("vm.swap.move_clusters", 0L));
        }
        line(
                out,
                "memory",
                "%,d pages, peak resident %,d, swap peak %,d slots",
                limits.pageCount(),
                tally.peakResident(),
                tally.swapPeak());
        line(
                out,
                "model",
                "%,d bytes outside of the machine's memory, for %,d bytes of touched pages",
                tally.modelBytes(),
                tally.touchedBytes());
        lines(out, "assumed", tally.assumed());
        lines(out, "files", tally.files());
        lines(out, "notes", tally.notes());
        line(
                out,
                "time",
                "%.2f s, %,d references/s, %d reader thread",
                tally.nanos() / 1e9,
                tally.referencesPerSecond(),
                tally.readerThreads());
    }

    private static void line(PrintStream out, String title, String format, Object... values) {
        out.printf("%-11s%s%n", title, String.format(java.util.Locale.ROOT, format, values));
    }

    private static void lines(PrintStream out, String title, List<String> lines) {
        String first = title;
        for (String line : lines) {
            out.printf("%-11s%s%n", first, line);
            first = "";
        }
    }

    void writeJson(Path file, List<String> violations) throws IOException {
        ObjectMapper json = new ObjectMapper();
        ObjectNode root = json.createObjectNode();
        ObjectNode asked = root.putObject("options");
        strings(asked.putArray("inputs"), options.inputs());
        asked.put("memory", options.memoryBytes())
                .put("swap", options.swapBytes())
                .put("cpus", options.cpus())
                .put("quantum", options.quantum())
                .put("seed", options.seed())
                .put("policy", options.policy());
        root.putObject("references")
                .put("fetches", tally.references().fetches())
                .put("loads", tally.references().loads())
                .put("stores", tally.references().stores())
                .put("modifies", tally.references().modifies());
        root.put("processes", tally.processes()).put("forks", tally.forks()).put("calls", tally.calls());
        root.putObject("mmu").put("name", tally.mmu()).put("changes", tally.mmuSwitches());
        root.putObject("tlb")
                .put("hits", tally.tlbHits())
                .put("walks", tally.walks())
                .put("traps", tally.traps());
        FaultCounts faults = tally.faults();
        root.putObject("faults")
                .put("total", faults.total())
                .put("zeroFill", faults.zeroFill())
                .put("copyOnWrite", faults.copyOnWrite())
                .put("copyAvoided", faults.copyAvoided())
                .put("soft", faults.soft())
                .put("fileRead", faults.fileRead())
                .put("swapRead", faults.swapRead())
                .put("protection", faults.protection());
        ObjectNode counters = root.putObject("counters");
        tally.counters().forEach(counters::put);
        root.putObject("objects")
                .put("collapses", tally.collapses())
                .put("bypasses", tally.bypasses())
                .put("longestChain", tally.longestChain());
        root.put("replacements", tally.replacements());
        root.putObject("memory")
                .put("pages", limits.pageCount())
                .put("peakResident", tally.peakResident())
                .put("swapPeak", tally.swapPeak())
                .put("bound", options.memoryBytes() + options.memoryBytes() / 16 + MEMORY_CONSTANT)
                .put("model", tally.modelBytes())
                .put("touched", tally.touchedBytes());
        strings(root.putArray("assumed"), tally.assumed());
        strings(root.putArray("files"), tally.files());
        strings(root.putArray("notes"), tally.notes());
        strings(root.putArray("violations"), violations);
        root.putObject("time")
                .put("nanos", tally.nanos())
                .put("referencesPerSecond", tally.referencesPerSecond())
                .put("readerThreads", tally.readerThreads());
        Files.writeString(
                file, json.writerWithDefaultPrettyPrinter().writeValueAsString(root) + System.lineSeparator());
    }

    private static void strings(ArrayNode array, List<String> lines) {
        lines.forEach(array::add);
    }
}
