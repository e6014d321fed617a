// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.lab.model.ContentModel;
import penumbra.lab.model.FileContent;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.vnode.FileSystemAway;
import penumbra.vnode.Vnode;

/** The files that recorded programs map, each opened once, whoever maps it. */
final class ReplayFiles implements Closeable {
    /** The name of the host's file system. */
    private static final String HOST = "host";

    private final Kernel kernel;
    private final ContentModel model;
    private final boolean fromHost;
    private final long seed;
    private final Path scratchFolder;
    private final Map<String, OpenFile> open = new TreeMap<>();

    /** @param fromHost whether files are looked for on the host; else all are generated */
    ReplayFiles(Kernel kernel, ContentModel model, boolean fromHost, long seed) throws IOException {
        this.kernel = kernel;
        this.model = model;
        this.fromHost = fromHost;
        this.seed = seed;
        this.scratchFolder = Files.createTempDirectory("penumbra-files-");
    }

    /**
     * A file in use.
     *
     * @param vnode one use of it is ours until the end
     * @param content what the model knows of it
     */
    record OpenFile(ReplayFile file, Vnode vnode, FileContent content) {}

    synchronized OpenFile open(String path) throws IOException {
        @Nullable OpenFile found = open.get(path);
        if (found == null) {
            ReplayFile file = file(path, host(path));
            if (file.missing()) {
                // A vnode pager object needs a size; a mapping extends it to what it needs.
                file.extend(PageSize.BYTES);
            }
            found = new OpenFile(file, kernel.vnodes().wrap(file), model.file(file.original()));
            open.put(path, found);
        }
        return found;
    }

    private ReplayFile file(String path, @Nullable Vnode host) {
        try {
            return new ReplayFile(path, host, seed, scratchFolder);
        } catch (IOException e) {
            if (host != null) {
                host.release();
            }
            throw unreadable(path, e);
        }
    }

    /**
     * The host's file of that name, with a use of the caller's; null when there is no such regular file, or none of the
     * host's is wanted. Waits for the host's file system if that is away.
     */
    @Nullable
    Vnode host(String path) {
        if (!fromHost) {
            return null;
        }
        try {
            return kernel.vnodes().open(HOST, path, false);
        } catch (FileSystemAway e) {
            throw unreadable(path, e);
        } catch (IOException e) {
            // Not there, or not a regular file: replaced, and named in the report.
            return null;
        }
    }

    /** What ends a run that cannot read a file. */
    static RunFailed unreadable(String path, IOException reason) {
        return new RunFailed(path + ": cannot be read: " + reason.getMessage());
    }

    /** Says which file could not be read when that was tried last; null when there is none. */
    synchronized @Nullable String unreadable() {
        for (OpenFile each : open.values()) {
            @Nullable IOException failure = each.file().failure();
            if (failure != null) {
                return unreadable(each.file().name(), failure).getMessage();
            }
        }
        return null;
    }

    /** The object of {@code file} with one more reference, the caller's. */
    VmObject object(OpenFile file) {
        @Nullable
        VmObject object = kernel.pagers()
                .allocate(
                        ObjectType.VNODE,
                        file.vnode(),
                        PageSize.ceiling(file.file().size()),
                        Prot.ALL,
                        0,
                        null);
        if (object == null) {
            throw new RunFailed(file.file().name() + ": the vnode pager refuses to map it");
        }
        return object;
    }

    /** Makes {@code file} long enough for {@code bytes} bytes, by generated pages. */
    void extend(OpenFile file, long bytes) {
        long size = file.file().extend(bytes);
        Vnode vnode = file.vnode();
        vnode.lock().lock();
        try {
            kernel.vnodeSizes().setSize(vnode, size);
        } finally {
            vnode.lock().unlock();
        }
    }

    /**
     * Makes the file of {@code vnode} long enough for {@code bytes} bytes; returns false when it is none of these
     * files.
     */
    boolean extend(Vnode vnode, long bytes) {
        @Nullable OpenFile found = find(vnode);
        if (found != null) {
            extend(found, bytes);
        }
        return found != null;
    }

    private synchronized @Nullable OpenFile find(Vnode vnode) {
        return open.values().stream()
                .filter(each -> each.vnode() == vnode)
                .findFirst()
                .orElse(null);
    }

    /** The files that were replaced, extended or changed, a line each. */
    synchronized List<String> remarks() throws IOException {
        List<String> lines = new ArrayList<>();
        for (OpenFile each : open.values()) {
            ReplayFile file = each.file();
            long generated = PageSize.index(file.generatedBytes());
            if (file.missing()) {
                lines.add(file.name() + ": replaced by " + generated + " generated pages");
            } else if (generated > 0) {
                lines.add(file.name() + ": extended by " + generated + " generated pages");
            }
            if (file.changedMeanwhile()) {
                lines.add(file.name() + ": changed during the run");
            }
        }
        return lines;
    }

    /** Keeps the changed copies of shared files, with what is in memory only yet; returns where they are. Blocks. */
    synchronized List<Path> keep(Path folder) throws IOException {
        List<Path> kept = new ArrayList<>();
        for (OpenFile each : open.values()) {
            @Nullable VmObject object = each.vnode().object();
            if (object != null && !object.sync(0, each.vnode().size(), true, false)) {
                throw new IOException(each.file().name() + ": what was stored to it cannot be written");
            }
            @Nullable Path path = each.file().keep(folder);
            if (path != null) {
                kept.add(path);
            }
        }
        return kept;
    }

    /** Gives every file up; nothing may be mapped any more. */
    @Override
    public synchronized void close() throws IOException {
        for (OpenFile each : open.values()) {
            each.vnode().release();
            each.file().close();
        }
        open.clear();
        Files.deleteIfExists(scratchFolder);
    }
}
