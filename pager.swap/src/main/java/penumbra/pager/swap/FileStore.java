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
import penumbra.kern.SteadyChannel.Opener;
import penumbra.pager.BackingStore;

/**
 * A backing store in one file of the host: slot {@code n} is page {@code n} of the file, and the first two are never
 * handed out ({@code swaponsomething}).
 */
public final class FileStore implements BackingStore, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FileStore.class);

    private final KernelLock lock = new KernelLock(LockRank.STORE, "swap file");
    private final Opener opener;

    /** What the file was opened with. */
    private volatile SwapFileSettings settings;

    /** What it is opened with next. */
    private volatile SwapFileSettings next;

    /** Whether no page refers to the file any more. */
    private volatile boolean retired;

    /** Whether the file is as it was found, and nobody has said yet whether pages wait in it. */
    private volatile boolean found = true;

    private volatile SwapFile file;
    private BlockList blocks;

    private FileStore(SwapFileSettings settings, Opener opener) throws IOException {
        this.next = settings;
        this.opener = opener;
        this.file = opened(SwapFile.open(settings, opener), settings);
        this.settings = settings.withPages(file.pages());
        this.blocks = allFree();
    }

    /**
     * A store in a swap file that goes through the host's cache, as {@link #open(SwapFileSettings, Opener)} opens it.
     *
     * @param pages its size, the two pages of the header included; at least 3
     * @param preallocate whether to claim the space on disk at once
     * @param temporary whether the file goes when the store is retired, or else with the JVM
     */
    public static FileStore open(String name, Path path, long pages, boolean preallocate, boolean temporary)
            throws IOException {
        return open(new SwapFileSettings(name, path, pages, preallocate, false, temporary), Opener.HOST);
    }

    /**
     * A store in a swap file, which is made if it is not there. One of another size stays as it is until
     * {@link #reattach} says that no page waits in it.
     *
     * @param opener how the host's files are opened
     * @throws IOException when there is a file that is no swap file, or it is in use, or cannot be made
     */
    public static FileStore open(SwapFileSettings settings, Opener opener) throws IOException {
        if (settings.pages() <= SwapHeader.PAGES) {
            throw new IOException(settings.path() + ": " + settings.pages() + " pages are no swap file, which has "
                    + SwapHeader.PAGES + " of header and at least one more");
        }
        return new FileStore(settings, opener);
    }

    private static SwapFile opened(SwapFile opened, SwapFileSettings settings) {
        if (settings.temporary()) {
            settings.path().toFile().deleteOnExit();
        }
        return opened;
    }

    private BlockList allFree() {
        BlockList list = new BlockList(settings.pages());
        list.free(SwapHeader.PAGES, settings.pages() - SwapHeader.PAGES);
        return list;
    }

    /** Sets what the store begins with when it is used again after it was retired; until then it stays as it is. */
    public void change(SwapFileSettings other) {
        next = other;
    }

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public String identity() {
        return file.identity().toString();
    }

    @Override
    public long capacity() {
        return settings.pages();
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
        boolean fresh = retired || (found && isEmpty(used));
        if (fresh && (file.isClosed() || !settings.equals(next))) {
            beginAnew();
        }
        found = false;
        BlockList list = allFree();
        long[] wrong = {NO_SLOT};
        used.forEach(slot -> {
            if (slot < SwapHeader.PAGES || slot >= list.blocks() || list.fill(slot, 1) != 1) {
                wrong[0] = slot;
            }
        });
        if (wrong[0] != NO_SLOT) {
            throw new IOException(settings.path() + ": slot " + wrong[0] + " is outside of its " + list.blocks()
                    + " pages, in its header, or named twice");
        }
        retired = false;
        lock.lock();
        blocks = list;
        lock.unlock();
    }

    /** Lets the old file go and opens the next. */
    private void beginAnew() throws IOException {
        file.close();
        settings = next;
        file = opened(SwapFile.fit(settings, opener), settings);
    }

    private static boolean isEmpty(SlotSet slots) {
        boolean[] empty = {true};
        slots.forEach(slot -> empty[0] = false);
        return empty[0];
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
        retired = true;
        try {
            if (settings.temporary()) {
                file.delete();
            }
        } catch (IOException e) {
            LOG.warn("swap file {} cannot be deleted: {}", settings.path(), e.getMessage());
        }
    }

    /** Closes the file, which stays where it is. */
    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            LOG.warn("swap file {} cannot be closed: {}", settings.path(), e.getMessage());
        }
    }
}
