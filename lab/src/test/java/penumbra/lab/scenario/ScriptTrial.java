// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.kern.WouldBlock;
import penumbra.lab.scenario.ContentsModel.Inherit;
import penumbra.lab.scenario.ContentsModel.Place;
import penumbra.lab.scenario.ContentsModel.Shared;
import penumbra.object.VmObject;

/**
 * A run of steps on a machine and on the model side by side, which ends in an error as soon as the two differ, or an
 * invariant does not hold. The error's message is the script.
 */
final class ScriptTrial {
    /** Where the pages of the model lie in each process. */
    private static final int BASE = 300;

    /** The most that may be wired of the smaller machine, so that others can run. */
    private static final int MOST_WIRED = 16;

    /**
     * What waits for memory. After as many waits as the original's harness allowed, a script may end in any of these.
     */
    private static final Set<String> MEMORY_WAITS = Set.of("vmwait", "pfault");

    private static final String FILE = "o1";
    private static final String ODD_FILE = "o2";
    private static final String MEMORY = "o3";
    private static final int FILE_PAGES = 12;
    private static final int ODD_FILE_PAGES = 8;
    /** It ends behind the first block of its last page. */
    private static final int ODD_FILE_BLOCKS = 57;

    private static final int MEMORY_PAGES = 16;
    private static final long TAGS_PER_FILE = 1_000_000;
    private static final int BLOCK_BYTES = 512;

    /** Stands in an error's message between what is wrong and the script. */
    static final String IN_THE_SCRIPT = "\nin the script\n";

    /** Ends a run: there is no memory left, as there need not be. */
    private static final class OutOfMemory extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final Kernel kernel;
    private final Scenario scenario;
    private final ContentsModel model = new ContentsModel();
    private final List<String> lines = new ArrayList<>();
    private boolean swapReadsMayFail;
    private boolean swapIsThere = true;

    /** @param boot the script's first line, which {@code kernel} was booted with */
    ScriptTrial(Kernel kernel, String boot) {
        this.kernel = kernel;
        this.scenario = new Scenario(kernel);
        scenario.booted(1, boot);
        lines.add(boot);
    }

    /** Runs the steps, then takes everything down, and looks what is in the files and whether anything is left. */
    void run(List<Step> steps) {
        try {
            begin();
            steps.forEach(this::run);
            end();
        } catch (OutOfMemory e) {
            lines.add("# out of memory");
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    (e instanceof AssertionError ? e.getMessage() : e) + IN_THE_SCRIPT + script() + "\n", e);
        }
    }

    String script() {
        return String.join("\n", lines);
    }

    private void begin() {
        line("vnode " + FILE_PAGES);
        addFile(FILE, 1, FILE_PAGES * Tags.BLOCKS, FILE_PAGES);
        line("vnodeb " + ODD_FILE_BLOCKS * BLOCK_BYTES);
        addFile(ODD_FILE, 2, ODD_FILE_BLOCKS, ODD_FILE_PAGES);
        line("alloc default " + MEMORY_PAGES + " charged");
        model.addObject(MEMORY, new Shared(false, MEMORY_PAGES * Tags.BLOCKS, MEMORY_PAGES));
        line("proc P0");
        model.create("P0");
        Place[] places = model.process("P0");
        map("P0", places, 0, 32, "anon", 0, false);
        map("P0", places, 32, 8, MEMORY, 2, false);
        map("P0", places, 40, 6, FILE, 3, false);
        map("P0", places, 46, 6, FILE, 2, true);
        map("P0", places, 52, 8, "anon", 0, true);
    }

    private void addFile(String name, int number, int blocks, int mostPages) {
        Shared file = new Shared(true, blocks, mostPages);
        for (int page = 0; page < mostPages; page++) {
            if (file.blocksOf(page) > 0) {
                file.pages.get(page).write(0, file.blocksOf(page), number * TAGS_PER_FILE + page);
            }
        }
        model.addObject(name, file);
    }

    private JsonNode line(String text) {
        JsonNode answer = uncheckedLine(text);
        checkInvariants();
        return answer;
    }

    private JsonNode uncheckedLine(String text) {
        lines.add(text);
        try {
            return scenario.run(text);
        } catch (WouldBlock e) {
            if (MEMORY_WAITS.contains(e.waitMessage())) {
                throw new OutOfMemory();
            }
            throw e;
        }
    }

    private void checkInvariants() {
        List<String> violations =
                kernel.checkInvariants(List.of(scenario.holdings())).messages();
        if (!violations.isEmpty()) {
            throw new AssertionError(String.join("\n", violations));
        }
    }

    private void expect(String text, long code) {
        JsonNode found = line(text);
        if (found.asLong(-1) != code) {
            lines.add("expect ret " + code);
            throw new AssertionError(text + ": expected " + code + ", found " + found);
        }
    }

    private void run(Step step) {
        switch (step.kind()) {
            case CREATE -> create(step);
            case COLLAPSE -> collapse(step);
            case PAGEOUT -> line("pageout " + step.choice() % 3);
            case PUT ->
                line("put " + anyObject(step) + " " + step.page() + " " + step.count() + " " + step.choice() % 2);
            case PAGE_STATE -> pageState(step);
            case FAIL_SWAP -> failSwap(step);
            case FAIL_FILE -> failFile(step);
            case RESIZE -> resize(step);
            case CLEAN -> line("clean " + file(step) + " 0 0 " + (step.choice() % 2));
            case SWAPOFF -> swapOff(step);
            default -> runInProcess(step);
        }
    }

    private void runInProcess(Step step) {
        if (model.names().isEmpty()) {
            return;
        }
        String name = model.names().get(step.process() % model.names().size());
        Place[] places = model.process(name);
        switch (step.kind()) {
            case WRITE -> write(name, places, step);
            case READ -> {
                int end = step.onePage() ? step.page() + 1 : end(step);
                for (int page = step.page(); page < end; page++) {
                    read(name, page, places[page], (page + step.choice()) % Tags.BLOCKS);
                }
                checkInvariants();
            }
            case MAP -> map(name, places, step);
            case UNMAP -> {
                expect("unmap " + range(name, step), 0);
                Arrays.fill(places, step.page(), end(step), null);
            }
            case FORK -> fork(name, step);
            case EXIT -> {
                line("exit " + name);
                model.exit(name);
            }
            case INHERIT -> inherit(name, places, step);
            case PROTECT -> protect(name, places, step);
            case ADVISE -> advise(name, places, step);
            case SYNC -> line("msync " + range(name, step) + " " + step.choice() % 2 + " " + step.choice() / 2 % 2);
            case LOCK -> lock(name, places, step);
            case UNLOCK -> unlock(name, places, step);
            default -> throw new AssertionError(step.kind());
        }
    }

    private static int end(Step step) {
        return Math.min(ContentsModel.PAGES, step.page() + step.count());
    }

    private static String range(String process, Step step) {
        return process + " " + (BASE + step.page()) + " " + (end(step) - step.page());
    }

    private static void each(Place[] places, Step step, Consumer<Place> action) {
        for (int page = step.page(); page < end(step); page++) {
            if (places[page] != null) {
                action.accept(places[page]);
            }
        }
    }

    private static boolean all(Place[] places, Step step, Predicate<Place> predicate) {
        for (int page = step.page(); page < end(step); page++) {
            if (places[page] == null || !predicate.test(places[page])) {
                return false;
            }
        }
        return true;
    }

    private void create(Step step) {
        @Nullable String name = newName(step.choice());
        if (name != null) {
            line("proc " + name);
            model.create(name);
        }
    }

    /** A name that no process has, looked for from {@code from} on; null when all are in use. */
    private @Nullable String newName(int from) {
        for (int i = 0; i < Step.PROCESSES; i++) {
            String name = "P" + (from + i) % Step.PROCESSES;
            if (!model.exists(name)) {
                return name;
            }
        }
        return null;
    }

    /** What an access answers when it is refused; null when it is not. */
    private static @Nullable String refusal(@Nullable Place place, boolean write) {
        if (place == null) {
            return "fault1";
        }
        boolean allowed = write ? place.writeable : place.readable;
        return allowed && place.cell.present() ? null : "fault2";
    }

    private boolean refused(JsonNode answer, String access, @Nullable String refusal) {
        if (answer.asText().equals("fault5") && swapReadsMayFail) {
            return true;
        }
        if (refusal == null ? answer.isTextual() : !answer.asText().equals(refusal)) {
            if (refusal != null) {
                lines.add("expect ret " + refusal);
            }
            throw new AssertionError(
                    access + ": expected " + (refusal == null ? "success" : refusal) + ", found " + answer);
        }
        return refusal != null;
    }

    /** Writes one block, or several whole pages. */
    private void write(String process, Place[] places, Step step) {
        int end = step.onePage() ? step.page() + 1 : end(step);
        for (int page = step.page(); page < end; page++) {
            write(process, page, places[page], step);
        }
    }

    private void write(String process, int page, @Nullable Place place, Step step) {
        long tag = lines.size() + 1L;
        int block = step.onePage() ? step.choice() % Tags.BLOCKS : -1;
        int inside = place == null ? Tags.BLOCKS : blocksInside(place.cell);
        if (inside < Tags.BLOCKS) {
            // What is written behind a file's end is nobody's.
            block = inside == 0 ? 0 : step.choice() % inside;
        }
        String access = "wr " + process + " " + (BASE + page) + " " + tag + (block < 0 ? "" : " " + block);
        if (!refused(line(access), access, refusal(place, true)) && place != null) {
            model.write(place, Math.max(0, block), block < 0 ? Tags.BLOCKS : block + 1, tag);
        }
    }

    /** How many blocks of a page that is directly a file's lie in the file. */
    private int blocksInside(Cell cell) {
        for (String name : List.of(FILE, ODD_FILE)) {
            int page = model.object(name).pages.indexOf(cell);
            if (page >= 0) {
                return model.object(name).blocksOf(page);
            }
        }
        return Tags.BLOCKS;
    }

    private void read(String process, int page, @Nullable Place place, int block) {
        String access = "rd " + process + " " + (BASE + page) + " " + block;
        JsonNode answer = uncheckedLine(access);
        if (refused(answer, access, refusal(place, false)) || place == null) {
            return;
        }
        long tag = answer.path(1).asLong();
        if (!place.cell.mayShow(block, tag)) {
            lines.add("expect ret[1] " + place.cell.tags(block));
            throw new AssertionError(access + ": expected block " + block + " of " + place.cell + ", found " + tag);
        }
        place.cell.seen(block, tag);
    }

    private void map(String process, Place[] places, Step step) {
        for (int page = step.page(); page < end(step); page++) {
            if (places[page] != null) {
                return;
            }
        }
        String[] objects = {"anon", "anon", "anon", FILE, ODD_FILE, MEMORY};
        String what = objects[step.choice() % objects.length];
        int count = end(step) - step.page();
        int offset = what.equals("anon") ? 0 : step.choice() % 5;
        if (!what.equals(MEMORY) || offset + count <= MEMORY_PAGES) {
            map(process, places, step.page(), count, what, offset, step.choice() / objects.length % 3 == 0);
        }
    }

    private void map(String process, Place[] places, int from, int count, String what, int offset, boolean shared) {
        String where = process + " " + (BASE + from) + " " + count;
        expect("mmap " + where + " rw rwx " + what + " " + offset + (shared ? " share" : " priv"), 0);
        @Nullable Shared object = model.object(what);
        for (int page = from; page < from + count; page++) {
            int index = offset + page - from;
            Cell cell = Cell.zero();
            if (object != null) {
                Cell mapped = index < object.pages.size() ? object.pages.get(index) : Cell.absent();
                cell = shared ? mapped : Cell.inFrontOf(mapped);
            }
            places[page] = new Place(cell, shared ? Inherit.SHARE : Inherit.COPY);
        }
    }

    private void fork(String parent, Step step) {
        @Nullable String child = newName(step.choice());
        if (child != null) {
            line("fork " + parent + " " + child);
            model.fork(parent, child);
        }
    }

    private void inherit(String process, Place[] places, Step step) {
        Inherit inherit = Inherit.values()[step.choice() % 3];
        expect("minherit " + range(process, step) + " " + inherit.name().toLowerCase(Locale.ROOT), 0);
        each(places, step, place -> place.inherit = inherit);
    }

    private void protect(String process, Place[] places, Step step) {
        String prot = List.of("rw", "r", "rw", "n").get(step.choice() % 4);
        expect("mprotect " + range(process, step) + " " + prot, 0);
        each(places, step, place -> place.protect(!prot.equals("n"), prot.equals("rw")));
    }

    private void advise(String process, Place[] places, Step step) {
        String advice = List.of("free", "dontneed", "willneed", "seq", "random", "normal", "nosync", "autosync")
                .get(step.choice() % 8);
        line("madvise " + range(process, step) + " " + advice);
        if (advice.equals("free")) {
            each(places, step, model::free);
        }
    }

    private void lock(String process, Place[] places, Step step) {
        if (model.wired() + step.count() > MOST_WIRED) {
            return;
        }
        boolean possible = all(places, step, place -> place.readable && place.cell.present());
        boolean[] follows = {false};
        each(places, step, place -> follows[0] |= model.followsOthers(place));
        if (follows[0] && (!possible || swapReadsMayFail)) {
            // Some of the pages might be copied and some not.
            return;
        }
        String text = "mlock " + range(process, step);
        boolean done = line(text).asLong(-1) == 0;
        if (done != possible && !(possible && swapReadsMayFail)) {
            throw new AssertionError(text + ": expected " + (possible ? "success" : "failure"));
        }
        if (done) {
            each(places, step, Place::wire);
        }
    }

    private void unlock(String process, Place[] places, Step step) {
        boolean possible = all(places, step, place -> true);
        String text = "munlock " + range(process, step);
        if (line(text).asLong(-1) == 0 != possible) {
            throw new AssertionError(text + ": expected " + (possible ? "success" : "failure"));
        }
        if (possible) {
            each(places, step, place -> place.wired = false);
        }
    }

    /** One of the objects that are there, by its place in the order of their making. */
    private VmObject someObject(Step step) {
        List<VmObject> objects = new ArrayList<>();
        kernel.objects().forEach(object -> {
            if (object != kernel.objects().kernelObject()
                    && object != kernel.objects().kmemObject()) {
                objects.add(object);
            }
        });
        objects.sort(Comparator.comparingLong(VmObject::id));
        return objects.get(step.choice() % objects.size());
    }

    private String anyObject(Step step) {
        return StatePrinter.nameOf(someObject(step));
    }

    /** Merges what can be merged; every other time while something pages in the object behind, so that less can. */
    private void collapse(Step step) {
        VmObject object = someObject(step);
        @Nullable VmObject behind = object.backing();
        String name = StatePrinter.nameOf(object);
        if (behind == null || step.count() % 2 == 0) {
            line("collapse " + name);
        } else {
            String other = StatePrinter.nameOf(behind);
            line("pip " + other + " 1");
            line("collapse " + name);
            line("pip " + other + " -1");
        }
    }

    private void pageState(Step step) {
        String object = anyObject(step);
        String what =
                List.of("deact", "trycache", "act", "refd", "cache", "madv").get(step.count() % 6);
        switch (what) {
            case "cache" -> line("cache " + object + " " + step.page() + " " + (step.page() + step.count()));
            case "madv" ->
                line("madv " + object + " " + step.page() + " " + (step.page() + step.count()) + " "
                        + (step.choice() % 2 == 0 ? "willneed" : "dontneed"));
            default -> line(what + " " + object + " " + step.page());
        }
    }

    private void failSwap(Step step) {
        if (step.choice() % 2 == 0) {
            line("failw " + step.count() % 3);
        } else {
            int reads = step.count() % 3;
            line("failr " + reads);
            swapReadsMayFail = reads > 0;
        }
    }

    private static String file(Step step) {
        return step.choice() % 4 < 2 ? FILE : ODD_FILE;
    }

    private void failFile(Step step) {
        line(step.choice() % 2 == 0 ? "vfail " + file(step) : "vshort " + file(step) + " " + step.count() % 4);
    }

    private void resize(Step step) {
        Shared file = model.object(file(step));
        if (!model.wiredAnywhere(file)) {
            int blocks = 1 + (step.page() * Tags.BLOCKS + step.choice()) % (file.pages.size() * Tags.BLOCKS);
            line("vsetsize " + file(step) + " " + blocks * BLOCK_BYTES);
            file.resize(blocks);
        }
    }

    private void swapOff(Step step) {
        if (swapIsThere && !swapReadsMayFail && kernel.pages().limits().pageCount() > ContentsModel.PAGES * 8) {
            swapIsThere = line("swapoff").asLong(-1) != 0;
        }
    }

    private void end() {
        for (String name : model.names()) {
            line("exit " + name);
            model.exit(name);
        }
        checkFile(FILE);
        checkFile(ODD_FILE);
        for (String object : List.of(FILE, FILE, ODD_FILE, ODD_FILE, MEMORY)) {
            line("dealloc " + object);
        }
        if (kernel.accounting().reserved() != 0) {
            throw new AssertionError("swap for " + kernel.accounting().reserved() + " bytes is still reserved");
        }
    }

    /**
     * Writes the file back, which must succeed after the failures that are still to come, and looks at what is in it.
     */
    private void checkFile(String name) {
        Shared file = model.object(name);
        int tries = 0;
        while (line("sync " + name + " 0 " + file.pages.size() + " 1 0").asLong(-1) != 1) {
            if (++tries > 4) {
                throw new AssertionError(name + " cannot be written back");
            }
        }
        String touch = "ref " + name;
        lines.add(touch);
        JsonNode contents =
                scenario.step(lines.size(), touch).path("objs").path(name).path("fd");
        for (int page = 0; page < file.pages.size(); page++) {
            for (int block = 0; block < file.blocksOf(page); block++) {
                JsonNode found = contents.path(page);
                long tag = (found.isArray() ? found.path(block) : found).asLong();
                if (!file.pages.get(page).mayShow(block, tag)) {
                    throw new AssertionError("block " + block + " of page " + page + " in file " + name + ": expected "
                            + file.pages.get(page) + ", found " + found);
                }
            }
        }
    }
}
