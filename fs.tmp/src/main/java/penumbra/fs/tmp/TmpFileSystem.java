// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.inspect.Holder;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;

/**
 * Files in memory ({@code tmpfs}), by name; a name is any text without control characters. What is in them goes to swap
 * as other anonymous memory does, and is gone with the file system. Thread-safe.
 */
public final class TmpFileSystem implements FileSystem, Holder, AutoCloseable {
    /** What {@code Vnodes.open} takes. */
    public static final String NAME = "tmp";

    private static final Logger LOG = LoggerFactory.getLogger(TmpFileSystem.class);

    private final TmpFile.Layers layers;
    private final Room room;
    private final ConcurrentSkipListMap<String, TmpFile> files = new ConcurrentSkipListMap<>();

    /** Those with contents: the named ones, and those that somebody still has open. */
    private final Set<TmpFile> all = ConcurrentHashMap.newKeySet();

    /** A file system without files, which may have {@code limitBytes} bytes together. */
    public TmpFileSystem(PhysicalMemory memory, Pages pages, Pagers pagers, SwapSpace swap, long limitBytes) {
        layers = new TmpFile.Layers(memory, pages, pagers, swap);
        room = new Room(PageSize.index(limitBytes));
    }

    /** Sets how many bytes all files may have together. */
    public void setLimit(long bytes) {
        room.setLimit(PageSize.index(bytes));
    }

    @Override
    public String name() {
        return NAME;
    }

    /**
     * Makes an empty file.
     *
     * @throws IOException when there is one of that name, or none can have it, or there is no object to be had
     */
    public void create(String path) throws IOException {
        if (path.isEmpty() || path.chars().anyMatch(Character::isISOControl)) {
            throw new IOException(path.replaceAll("\\p{Cntrl}", "?") + ": no file can have this name");
        }
        @Nullable VmObject object = layers.pagers().allocate(ObjectType.SWAP, null, 0, Prot.RW, 0, null);
        if (object == null) {
            throw new IOException(path + ": no memory for a file");
        }
        TmpFile file = new TmpFile(path, object, layers, room);
        if (files.putIfAbsent(path, file) != null) {
            object.deallocate();
            throw new IOException(path + ": file exists");
        }
        all.removeIf(TmpFile::ended);
        all.add(file);
    }

    /** Removes a name; whoever has the file open or mapped keeps it. */
    public void remove(String path) throws IOException {
        @Nullable TmpFile file = files.remove(path);
        if (file == null) {
            throw missing(path);
        }
        file.remove();
    }

    /** The names, in order. */
    public List<String> list() {
        return List.copyOf(files.keySet());
    }

    /** Bytes that all files have together, in whole pages. */
    public long usedBytes() {
        return PageSize.bytes(room.used());
    }

    @Override
    public FileNode open(String path, boolean writable) throws IOException {
        return new TmpNode(file(path), writable);
    }

    @Override
    public Object identity(String path) throws IOException {
        return file(path);
    }

    private TmpFile file(String path) throws IOException {
        @Nullable TmpFile file = files.get(path);
        if (file == null) {
            throw missing(path);
        }
        return file;
    }

    private static IOException missing(String path) {
        return new IOException(path.replaceAll("\\p{Cntrl}", "?") + ": no such file");
    }

    @Override
    public int references(VmObject object) {
        return (int) all.stream()
                .filter(file -> file.object() == object && !file.ended())
                .count();
    }

    /** Removes every file, and says so: nothing brings them back. */
    @Override
    public void close() {
        if (!files.isEmpty()) {
            LOG.warn("{} files in memory, {} bytes, go with their file system", files.size(), usedBytes());
        }
        for (String path : files.keySet()) {
            @Nullable TmpFile file = files.remove(path);
            if (file != null) {
                file.remove();
            }
        }
    }
}
