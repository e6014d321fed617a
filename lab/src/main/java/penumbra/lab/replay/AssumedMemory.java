// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.lab.model.ProcessModel;
import penumbra.lab.replay.ReplayFiles.OpenFile;
import penumbra.map.AddressSpace;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.vnode.FileSystemAway;
import penumbra.vnode.Vnode;

/**
 * The memory of a program that its recording cannot show, because it was mapped before the first line: the program
 * image, the loader and the stack, where Valgrind puts them.
 *
 * <p>Image and loader are mapped from their ELF files where the host has them; pages outside of these, or all of them,
 * are generated as they are first touched. The stack is a growing one. Nothing else is ever assumed.
 */
final class AssumedMemory {
    /** Where Valgrind puts a movable image on amd64. */
    static final long IMAGE_BASE = 0x10_8000;

    /** Where Valgrind puts the loader on amd64; images end below. */
    static final long LOADER_BASE = 0x400_0000;

    /** No loader is that large; the first break tells its real end. */
    private static final long LOADER_LIMIT = LOADER_BASE + (4L << 20);

    /** The page 0 that no program has, and what lies under any image. */
    private static final long IMAGE_LOWEST = 0x1_0000;

    /** Where Valgrind ends the main stack on amd64. */
    static final long STACK_TOP = 0x1f_ff00_1000L;

    /** Linux's default limit of the stack. */
    static final long STACK_SIZE = 8L << 20;

    static final long STACK_LOWEST = STACK_TOP - STACK_SIZE;

    /** Where the shell looks for a program that is named without a folder. */
    private static final List<String> SEARCH_PATH =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    private final ReplayFiles files;
    private final AddressSpace space;
    private final ProcessModel model;
    private final String command;
    private final BitSet mapped;
    private final BitSet removed;
    private final BitSet touched;
    private final BitSet touchedStack;
    private long loaderEnd;

    private AssumedMemory(
            ReplayFiles files, AddressSpace space, ProcessModel model, String command, @Nullable AssumedMemory parent) {
        this.files = files;
        this.space = space;
        this.model = model;
        this.command = command;
        this.mapped = copy(parent == null ? null : parent.mapped);
        this.removed = copy(parent == null ? null : parent.removed);
        this.touched = new BitSet();
        this.touchedStack = new BitSet();
        this.loaderEnd = parent == null ? LOADER_LIMIT : parent.loaderEnd;
    }

    private static BitSet copy(@Nullable BitSet set) {
        return set == null ? new BitSet() : (BitSet) set.clone();
    }

    /** The memory of a program that begins in an empty address space. */
    static AssumedMemory begin(ReplayFiles files, AddressSpace space, ProcessModel model, String command)
            throws IOException {
        AssumedMemory memory = new AssumedMemory(files, space, model, command, null);
        MapCalls.require(
                space.stack(STACK_LOWEST, STACK_SIZE, Prot.RW, Prot.ALL, MapFlags.STACK_GROWS_DOWN),
                "stack",
                STACK_LOWEST);
        model.mapZero(STACK_LOWEST, STACK_SIZE);
        memory.mapProgram(command.split(" ", 2)[0]);
        return memory;
    }

    /** The memory of a fork's child: what is mapped goes on, what is touched is counted anew. */
    AssumedMemory forked(AddressSpace childSpace, ProcessModel childModel) {
        return new AssumedMemory(files, childSpace, childModel, command, this);
    }

    private void mapProgram(String program) throws IOException {
        @Nullable String path = find(program);
        @Nullable ElfImage image = path == null ? null : image(path);
        if (path == null || image == null) {
            return;
        }
        mapSegments(path, image, image.movable() ? IMAGE_BASE : 0);
        @Nullable String loader = image.interpreter();
        @Nullable ElfImage loaderImage = loader == null ? null : image(loader);
        if (loader != null && loaderImage != null) {
            mapSegments(loader, loaderImage, LOADER_BASE);
        }
    }

    private @Nullable String find(String program) {
        List<String> candidates = program.indexOf('/') >= 0
                ? List.of(program)
                : SEARCH_PATH.stream().map(folder -> folder + "/" + program).toList();
        for (String candidate : candidates) {
            @Nullable Vnode file = files.host(candidate);
            if (file != null) {
                file.release();
                return candidate;
            }
        }
        return null;
    }

    private @Nullable ElfImage image(String path) {
        @Nullable Vnode file = files.host(path);
        if (file == null) {
            return null;
        }
        try {
            return ElfImage.read(file.node());
        } catch (FileSystemAway e) {
            throw ReplayFiles.unreadable(path, e);
        } catch (IOException e) {
            return null;
        } finally {
            file.release();
        }
    }

    private void mapSegments(String path, ElfImage image, long base) throws IOException {
        OpenFile file = files.open(path);
        for (ElfImage.Segment segment : image.segments()) {
            long start = PageSize.floor(base + segment.address());
            long fileEnd = PageSize.ceiling(base + segment.address() + segment.fileSize());
            long end = PageSize.ceiling(base + segment.address() + segment.memorySize());
            if (start < IMAGE_LOWEST
                    || end > LOADER_LIMIT
                    || !mapped.get(page(start), page(end)).isEmpty()) {
                continue;
            }
            long offset = PageSize.floor(segment.offset());
            if (fileEnd > start) {
                mapFile(file, offset, start, fileEnd - start, segment.prot());
            }
            if (end > fileEnd) {
                MapCalls.require(
                        space.insert(null, 0, fileEnd, end, segment.prot(), Prot.ALL, 0), "image of " + path, fileEnd);
                model.mapZero(fileEnd, end - fileEnd);
                mapped.set(page(fileEnd), page(end));
            }
        }
    }

    private void mapFile(OpenFile file, long offset, long start, long length, int prot) {
        VmObject object = files.object(file);
        MapCalls.require(
                space.insert(
                        object,
                        PageSize.index(offset),
                        start,
                        start + length,
                        prot,
                        Prot.ALL,
                        MapFlags.COPY_ON_WRITE | MapFlags.PREFAULT_PARTIAL),
                file.file().name(),
                start);
        model.mapPrivate(start, length, file.content(), offset);
        mapped.set(page(start), page(start + length));
    }

    /** Whether {@link #touch} wants to know of an access there. */
    static boolean concerns(long address) {
        return address < LOADER_LIMIT || address >= STACK_LOWEST;
    }

    /** Whether {@link #touch} has not counted all pages of an access yet. */
    boolean isNew(long address, int size) {
        return isNew(address) || ((address & PageSize.MASK) + size > PageSize.BYTES && isNew(address + size - 1));
    }

    private boolean isNew(long address) {
        if (address >= STACK_LOWEST) {
            return address < STACK_TOP && !touchedStack.get(page(address - STACK_LOWEST));
        }
        return !touched.get(page(address));
    }

    /** Counts an access to memory that {@link #concerns} tells of, and makes its pages exist if they can be assumed. */
    void touch(long address, int size) throws IOException {
        touchPage(address);
        if ((address & PageSize.MASK) + size > PageSize.BYTES) {
            touchPage(address + size - 1);
        }
    }

    private void touchPage(long address) throws IOException {
        if (address >= STACK_TOP) {
            return;
        }
        if (address >= STACK_LOWEST) {
            touchedStack.set(page(address - STACK_LOWEST));
            return;
        }
        int page = page(address);
        if (!touched.get(page)) {
            if (!mapped.get(page)) {
                assume(page);
            }
            if (mapped.get(page)) {
                touched.set(page);
            }
        }
    }

    private void assume(int page) throws IOException {
        long address = PageSize.bytes(page);
        boolean inside = address >= IMAGE_LOWEST && address < loaderEnd;
        if (!inside || removed.get(page)) {
            return;
        }
        OpenFile generated = files.open("(assumed) " + command);
        files.extend(generated, address + PageSize.BYTES);
        mapFile(generated, address, address, PageSize.BYTES, Prot.ALL);
    }

    /** The first break was told: the loader ends there. */
    void breakAt(long address) {
        if (loaderEnd == LOADER_LIMIT && address > LOADER_BASE && address < LOADER_LIMIT) {
            loaderEnd = address;
        }
    }

    /** A call names {@code [start, end)}: makes the pages that can be assumed exist, so that it applies to them. */
    void named(long start, long end) throws IOException {
        for (long address = start; address < Math.min(end, loaderEnd); address += PageSize.BYTES) {
            if (!mapped.get(page(address))) {
                assume(page(address));
            }
        }
    }

    /** {@code [start, end)} was unmapped: nothing there is assumed any more. */
    void unmapped(long start, long end) {
        if (start < LOADER_LIMIT) {
            int first = page(start);
            int last = page(Math.min(end, LOADER_LIMIT));
            mapped.clear(first, last);
            removed.set(first, last);
        }
    }

    /** Whether a page of {@code [start, end)} is assumed. */
    boolean overlaps(long start, long end) {
        if (start < LOADER_LIMIT
                && !mapped.get(page(start), page(Math.min(end, LOADER_LIMIT))).isEmpty()) {
            return true;
        }
        return start < STACK_TOP
                && end > STACK_LOWEST
                && !touchedStack
                        .get(page(Math.max(0, start - STACK_LOWEST)), page(Math.min(STACK_SIZE, end - STACK_LOWEST)))
                        .isEmpty();
    }

    /**
     * An assumed range that was used.
     *
     * @param what image, loader or stack
     * @param start its first byte that was touched, rounded to the page
     * @param end the byte behind its last page that was touched
     * @param pages how many pages in between were touched
     */
    record Range(String what, long start, long end, int pages) {}

    /** The assumed ranges that this process has touched. */
    List<Range> ranges() {
        List<Range> ranges = new ArrayList<>();
        int loader = page(LOADER_BASE);
        add(ranges, "image", touched.get(0, loader), 0);
        add(ranges, "loader", touched.get(loader, page(LOADER_LIMIT)), LOADER_BASE);
        add(ranges, "stack", touchedStack, STACK_LOWEST);
        return ranges;
    }

    private static void add(List<Range> ranges, String what, BitSet pages, long base) {
        if (!pages.isEmpty()) {
            ranges.add(new Range(
                    what,
                    base + PageSize.bytes(pages.nextSetBit(0)),
                    base + PageSize.bytes(pages.length()),
                    pages.cardinality()));
        }
    }

    private static int page(long address) {
        return (int) PageSize.index(address);
    }
}
