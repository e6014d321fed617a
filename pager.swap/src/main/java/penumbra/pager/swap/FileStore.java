// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.PageSize;
import penumbra.kern.BlockList;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.pager.BackingStore;

/**
 * A backing store in one file of the host: slot {@code n} is page {@code n} of the file, and the first two are never handed
 * out ({@code swaponsomething}).
 */
public final class FileStore implements BackingStore, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FileStore.class);

    private final KernelLock lock = new KernelLock(LockRank.STORE, "swap file");
    private final String name;
    private final Path path;
    private final long pages;
    private final boolean preallocate;
    private final boolean temporary;
    private volatile SwapFile file;
    private BlockList blocks;

    private FileStore(String name, Path path, long pages, boolean preallocate, boolean temporary) throws IOException {
        this.name = name;
        this.path = path;
        this.pages = pages;
        this.preallocate = preallocate;
        this.temporary = temporary;
        this.file = openFile();
        this.blocks = allFree();
    }

    /**
     * A store in the swap file {@code path}, which is made if it is not there.
     *
     * @param name the name that commands use
     * @param pages its size, the two pages of the header included; at least 3
     * @param preallocate whether to claim the space on disk at once
     * @param temporary whether the file goes when the store is retired, or else with the JVM
     * @throws IOException when there is a file that is no swap file, or it is in use, or cannot be made
     */
    public static FileStore open(String name, Path path, long pages, boolean preallocate, boolean temporary)
            throws IOException {
        if (pages <= SwapHeader.PAGES) {
            throw new IOException(path + ": " + pages + " pages are no swap file, which has " + SwapHeader.PAGES
                    + " of header and at least one more");
        }
        return new FileStore(name, path, pages, preallocate, temporary);
    }

    private SwapFile openFile() throws IOException {
        SwapFile opened = SwapFile.open(path, pages, preallocate);
        if (temporary) {
            path.toFile().deleteOnExit();
        }
        return opened;
    }

    private BlockList allFree() {
        BlockList list = new BlockList(pages);
        list.free(SwapHeader.PAGES, pages - SwapHeader.PAGES);
        return list;
    }

    /** Where the file is. */
    public Path path() {
        return path;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String identity() {
        return file.identity().toString();
    }

    @Override
    public long capacity() {
        return pages;
    }

    @Override
    public long available() {
        lock.lock();
        long free = blocks.free();
        lock.unlock();
        return free;
    }

    @Override
    public long allocate(int count) {
        lock.lock();
        long block = blocks.allocate(count);
        lock.unlock();
        return block == BlockList.NONE ? NO_SLOT : block;
    }

    @Override
    public void free(long slot, int count) {
        lock.lock();
        try {
            blocks.free(slot, count);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void reattach(SlotSet used) throws IOException {
        BlockList list = allFree();
        long[] wrong = {NO_SLOT};
        used.forEach(slot -> {
            if (slot < SwapHeader.PAGES || slot >= list.blocks() || list.fill(slot, 1) != 1) {
                wrong[0] = slot;
            }
        });
        if (wrong[0] != NO_SLOT) {
            throw new IOException(path + ": slot " + wrong[0] + " is outside of its " + list.blocks()
                    + " pages, in its header, or named twice");
        }
        if (file.isDeleted()) {
            file = openFile();
        }
        lock.lock();
        blocks = list;
        lock.unlock();
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        file.read(to, PageSize.bytes(slot));
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        file.write(from, PageSize.bytes(slot));
    }

    /** Deletes a temporary file. */
    @Override
    public void retire() {
        try {
            if (temporary) {
                file.delete();
            }
        } catch (IOException e) {
            LOG.warn("swap file {} cannot be deleted: {}", path, e.getMessage());
        }
    }

    /** Closes the file, which stays where it is. */
    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            LOG.warn("swap file {} cannot be closed: {}", path, e.getMessage());
        }
    }
}
