// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What each process of a script must read, page by page. It knows neither objects nor pages of memory, only who has
 * which page in common with whom.
 */
final class ContentsModel {
    /** How many pages each process can map here. */
    static final int PAGES = 64;

    enum Inherit {
        SHARE,
        COPY,
        NONE
    }

    /** A page that a process has mapped. */
    static final class Place {
        Cell cell;
        Inherit inherit;
        boolean readable = true;
        boolean writeable = true;
        boolean wired;

        Place(Cell cell, Inherit inherit) {
            this.cell = cell;
            this.inherit = inherit;
        }

        /** What a child gets for it; whoever has the page in common with the parent loses nothing by that. */
        @Nullable
        Place forChild() {
            Cell mine = cell;
            Place child =
                    switch (inherit) {
                        case NONE -> null;
                        case SHARE -> new Place(mine, inherit);
                        case COPY -> new Place(wired ? copyOf(mine) : Cell.inFrontOf(mine), inherit);
                    };
            if (inherit == Inherit.COPY && !wired) {
                cell = Cell.inFrontOf(mine);
            }
            if (child != null) {
                child.readable = readable;
                child.writeable = writeable;
            }
            return child;
        }

        /** What is wired is copied at once; what a file has lost by then is zero. */
        private static Cell copyOf(Cell cell) {
            if (!cell.present()) {
                return Cell.zero();
            }
            Cell copy = Cell.inFrontOf(cell);
            copy.detach();
            return copy;
        }

        void protect(boolean read, boolean write) {
            if (wired && write && !writeable && !cell.hasOwn() && cell.present()) {
                cell.detach();
            }
            readable = read;
            writeable = write;
        }

        void wire() {
            if (writeable && !cell.hasOwn()) {
                cell.takeCopy();
            }
            wired = true;
        }
    }

    /** An object that the script has made: its pages belong to no process. */
    static final class Shared {
        final boolean file;
        final List<Cell> pages = new ArrayList<>();
        private int blocks;

        /** A file or a piece of memory of {@code blocks} blocks of 512 bytes that can have {@code mostPages} pages. */
        Shared(boolean file, int blocks, int mostPages) {
            this.file = file;
            for (int page = 0; page < mostPages; page++) {
                pages.add(Cell.absent());
            }
            resize(blocks);
        }

        /** How many blocks of {@code page} lie before its end. */
        int blocksOf(int page) {
            return Math.max(0, Math.min(Tags.BLOCKS, blocks - page * Tags.BLOCKS));
        }

        /** Cuts it, or extends it with zeros. */
        void resize(int blocks) {
            this.blocks = blocks;
            for (int page = 0; page < pages.size(); page++) {
                pages.get(page).endAt(blocksOf(page));
            }
        }
    }

    private final Map<String, Place[]> processes = new LinkedHashMap<>();
    private final Map<String, Shared> objects = new LinkedHashMap<>();

    void addObject(String name, Shared object) {
        objects.put(name, object);
    }

    Shared object(String name) {
        return objects.get(name);
    }

    boolean exists(String process) {
        return processes.containsKey(process);
    }

    List<String> names() {
        return List.copyOf(processes.keySet());
    }

    void create(String process) {
        processes.put(process, new Place[PAGES]);
    }

    void exit(String process) {
        processes.remove(process);
    }

    Place @Nullable [] process(String name) {
        return processes.get(name);
    }

    void fork(String parent, String child) {
        Place[] from = processes.get(parent);
        Place[] to = new Place[PAGES];
        for (int page = 0; page < PAGES; page++) {
            to[page] = from[page] == null ? null : from[page].forChild();
        }
        processes.put(child, to);
    }

    private Stream<Place> places() {
        return processes.values().stream().flatMap(Stream::of).filter(place -> place != null);
    }

    /** Everything through which a page can be seen: each place, and the pages of the script's objects. */
    private Stream<Cell> eyes() {
        return Stream.concat(
                places().map(place -> place.cell), objects.values().stream().flatMap(object -> object.pages.stream()));
    }

    /** A process writes blocks {@code [from, to)} of a page. */
    void write(Place place, int from, int to, long tag) {
        Cell target = place.cell;
        if (!fileBehind(target)) {
            eyes().flatMap(eye -> eye.chain().stream())
                    .distinct()
                    .filter(cell -> cell != target && cell.sees(target))
                    .forEach(Cell::rememberBehind);
        }
        target.write(from, to, tag);
    }

    private boolean fileBehind(Cell cell) {
        return objects.values().stream().anyMatch(object -> object.file && object.pages.contains(cell.bottom()));
    }

    /** Takes free advice: what nobody else sees may vanish, unless it would uncover what is in a file. */
    void free(Place place) {
        if (!fileBehind(place.cell)
                && eyes().filter(eye -> eye.sees(place.cell)).count() == 1) {
            place.cell.letVanish();
        }
    }

    /** Whether what others write may still show here. */
    boolean followsOthers(Place place) {
        Cell cell = place.cell;
        return !cell.hasOwn() && eyes().anyMatch(eye -> eye != cell && cell.sees(eye));
    }

    boolean wiredAnywhere(Shared object) {
        return places().anyMatch(place -> place.wired && object.pages.contains(place.cell.bottom()));
    }

    long wired() {
        return places().filter(place -> place.wired).count();
    }
}
