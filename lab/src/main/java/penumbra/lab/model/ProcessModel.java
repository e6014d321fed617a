// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import penumbra.lab.model.Regions.Region;

/**
 * What every byte of one process must be. Every mapping must be told before it is used; addresses and lengths are in
 * bytes, and count by whole pages as they do for the system. For one thread at a time; relatives may be used by other
 * threads meanwhile.
 */
public final class ProcessModel implements AutoCloseable {
    /** Pages that are found without a search; a power of two. */
    private static final int REMEMBERED = 256;

    private static final int OFFSET_MASK = ContentModel.PAGE_SIZE - 1;
    private static final long NONE = -1;

    private final ContentModel model;
    private final int number;
    private final Regions regions;
    private final PageTable table;
    private final Map<Long, FreedPage> freed;

    /** Page numbers whose page can be read, or stored to in place, as {@link #remembered} has it. */
    private final long[] readable = new long[REMEMBERED];

    private final long[] writable = new long[REMEMBERED];
    private final PageBytes[] remembered = new PageBytes[REMEMBERED];
    private long tableBytes;

    ProcessModel(ContentModel model, int number) {
        this(model, number, new Regions(), new PageTable(), new HashMap<>());
    }

    private ProcessModel(ContentModel model, int number, Regions regions, PageTable table, Map<Long, FreedPage> freed) {
        this.model = model;
        this.number = number;
        this.regions = regions;
        this.table = table;
        this.freed = freed;
        Arrays.fill(remembered, PageBytes.ZERO);
        forget();
        accountTable();
    }

    /** Maps private memory that is zero, in place of whatever was there. */
    public void mapZero(long address, long length) {
        map(address, length, null, 0, false);
    }

    /** Maps a private view of a file, in place of whatever was there; the offset is a multiple of the page size. */
    public void mapPrivate(long address, long length, FileContent file, long offset) {
        map(address, length, file, offset, false);
    }

    /** Maps a shared view, in place of whatever was there; the offset is a multiple of the page size. */
    public void mapShared(long address, long length, FileContent file, long offset) {
        file.share();
        map(address, length, file, offset, true);
    }

    private void map(long address, long length, @Nullable FileContent content, long offset, boolean shared) {
        unmap(address, length);
        regions.add(new Region(page(address), end(address, length), content, page(offset), shared));
    }

    /** Forgets a range, and every store to it. */
    public void unmap(long address, long length) {
        drop(page(address), end(address, length));
        regions.carve(page(address), end(address, length));
    }

    /** Forgets what was stored to the private mappings of a range, so that what lies under them shows again. */
    public void discard(long address, long length) {
        long first = page(address);
        long end = end(address, length);
        for (Region region : regions.carve(first, end)) {
            if (!region.shared()) {
                drop(region.start(), region.end());
            }
            regions.add(region);
        }
    }

    /**
     * From now on, and for each page until it is stored to, the private mappings of a range may lose what was stored to
     * them, or keep it.
     */
    public void mayDiscard(long address, long length) {
        forget();
        table.visit(page(address), end(address, length), (page, bytes) -> {
            FreedPage before = freed.get(page);
            if (before != null) {
                before.freeAgain();
            } else if (!bytes.isOriginal()) {
                PageBytes original = regions.find(page).original(page);
                freed.put(page, new FreedPage(bytes, original));
                table.put(page, original);
            }
        });
    }

    /** Moves a mapping with everything in it, and makes it longer or shorter at its end. */
    public void move(long from, long oldLength, long to, long newLength) {
        long first = page(from);
        long oldEnd = end(from, oldLength);
        long target = page(to);
        long newPages = end(to, newLength) - target;
        if (oldEnd - first > newPages) {
            unmap(from + (newPages << ContentModel.PAGE_SHIFT), oldEnd - first - newPages << ContentModel.PAGE_SHIFT);
            oldEnd = first + newPages;
        }
        forget();
        List<Region> moved = regions.carve(first, oldEnd);
        long shift = target - first;
        if (shift != 0) {
            unmap(to, newPages << ContentModel.PAGE_SHIFT);
            table.visit(first, oldEnd, (page, bytes) -> {
                table.rename(page, page + shift);
                FreedPage possible = freed.remove(page);
                if (possible != null) {
                    freed.put(page + shift, possible);
                }
            });
        }
        for (Region region : moved) {
            boolean last = region.end() == oldEnd;
            long grown = last ? target + newPages : region.end() + shift;
            regions.add(new Region(region.start() + shift, grown, region.content(), region.first(), region.shared()));
        }
    }

    /** The child of a fork: the same memory, but for what either stores privately from now on. */
    public ProcessModel fork(int childNumber) {
        Map<Long, FreedPage> inherited = new HashMap<>();
        freed.forEach((page, possible) -> inherited.put(page, possible.inherited()));
        table.visit(0, Long.MAX_VALUE, (page, bytes) -> {
            if (!bytes.isOriginal()) {
                bytes.addUser();
            }
        });
        Arrays.fill(writable, NONE);
        return new ProcessModel(model, childNumber, regions.copy(), table.inherited(), inherited);
    }

    /** Forgets everything, as an exit or an exec does; the model stays usable. */
    @Override
    public void close() {
        unmap(0, Long.MAX_VALUE & -ContentModel.PAGE_SIZE);
    }

    /**
     * Takes note of a store of at most eight bytes.
     *
     * @param store the number of the store; a process never uses one twice
     * @return what the program must store, the byte at the lowest address in the low bits
     */
    public long store(long address, int size, long store) {
        long value = StoredBytes.value(number, store, address, size);
        put(address, size, value);
        return value;
    }

    /** Takes note of a store of any size, and puts what the program must store into {@code bytes}. */
    public void store(long address, int size, long store, byte[] bytes) {
        for (int done = 0; done < size; done += Long.BYTES) {
            int piece = Math.min(Long.BYTES, size - done);
            long value = store(address + done, piece, store);
            for (int i = 0; i < piece; i++) {
                bytes[done + i] = (byte) (value >>> i * Byte.SIZE);
            }
        }
    }

    /**
     * Whether at most eight bytes that were loaded are what they must be.
     *
     * @param actual what was loaded, the byte at the lowest address in the low bits
     */
    public boolean check(long address, int size, long actual) {
        long page = address >>> ContentModel.PAGE_SHIFT;
        int offset = (int) address & OFFSET_MASK;
        if (offset + size > ContentModel.PAGE_SIZE) {
            int head = ContentModel.PAGE_SIZE - offset;
            return check(address, head, actual) & check(address + head, size - head, actual >>> head * Byte.SIZE);
        }
        int slot = (int) page & REMEMBERED - 1;
        PageBytes bytes = readable[slot] == page ? remembered[slot] : find(page);
        if (readable[slot] != page) {
            return narrow(page, offset, size, actual);
        }
        return ((bytes.word(offset) ^ actual) & StoredBytes.mask(size)) == 0;
    }

    /** Whether bytes that were loaded are what they must be. */
    public boolean check(long address, int size, byte[] actual) {
        boolean right = true;
        for (int done = 0; done < size; done += Long.BYTES) {
            int piece = Math.min(Long.BYTES, size - done);
            long value = 0;
            for (int i = 0; i < piece; i++) {
                value |= (actual[done + i] & 0xffL) << i * Byte.SIZE;
            }
            right &= check(address + done, piece, value);
        }
        return right;
    }

    /** What a byte must be, 0 to 255; for messages. */
    public int expected(long address) {
        return (int) find(address >>> ContentModel.PAGE_SHIFT).word((int) address & OFFSET_MASK) & 0xff;
    }

    /**
     * What a thread must hold the monitor of while it stores to or loads from this page and tells the model, if other
     * processes may store to it at the same time; null if none can.
     */
    public @Nullable Object sharedPage(long address) {
        long page = address >>> ContentModel.PAGE_SHIFT;
        int slot = (int) page & REMEMBERED - 1;
        PageBytes bytes = readable[slot] == page ? remembered[slot] : find(page);
        return bytes.isShared() ? bytes : null;
    }

    private void put(long address, int size, long value) {
        long page = address >>> ContentModel.PAGE_SHIFT;
        int offset = (int) address & OFFSET_MASK;
        if (offset + size > ContentModel.PAGE_SIZE) {
            int head = ContentModel.PAGE_SIZE - offset;
            put(address, head, value);
            put(address + head, size - head, value >>> head * Byte.SIZE);
            return;
        }
        int slot = (int) page & REMEMBERED - 1;
        if (writable[slot] == page) {
            remembered[slot].store(offset, value, StoredBytes.mask(size));
        } else if (freed.containsKey(page)) {
            putFreed(page, offset, size, value);
        } else {
            change(page).store(offset, value, StoredBytes.mask(size));
        }
    }

    /** The page to load from. */
    private PageBytes find(long page) {
        PageBytes bytes = table.get(page);
        if (bytes == null) {
            bytes = regions.find(page).original(page);
            table.put(page, bytes);
            accountTable();
        }
        if (table.touch(page)) {
            model.touchedPage();
        }
        int slot = (int) page & REMEMBERED - 1;
        if (remembered[slot] != bytes || writable[slot] != page) {
            writable[slot] = NONE;
        }
        remembered[slot] = bytes;
        readable[slot] = freed.containsKey(page) ? NONE : page;
        return bytes;
    }

    /** The page to store to. */
    private PageBytes change(long page) {
        PageBytes bytes = find(page);
        if (!bytes.isOriginal() || !regions.find(page).shared()) {
            bytes = exclusive(bytes);
            table.put(page, bytes);
        }
        int slot = (int) page & REMEMBERED - 1;
        remembered[slot] = bytes;
        readable[slot] = page;
        writable[slot] = page;
        return bytes;
    }

    /** The page itself if nobody else uses it, or else a copy that takes the place of this use. */
    private PageBytes exclusive(PageBytes bytes) {
        if (!bytes.isOriginal() && bytes.hasOneUser()) {
            return bytes;
        }
        PageBytes copy = bytes.copy();
        model.held(ContentModel.PAGE_COST);
        release(bytes);
        return copy;
    }

    private void release(PageBytes bytes) {
        if (!bytes.isOriginal() && bytes.dropUser()) {
            model.held(-ContentModel.PAGE_COST);
        }
    }

    private void putFreed(long page, int offset, int size, long value) {
        find(page);
        FreedPage possible = freed(page);
        List<PageBytes> changed = new ArrayList<>();
        for (PageBytes bytes : possible.possible()) {
            PageBytes own = exclusive(bytes);
            own.store(offset, value, StoredBytes.mask(size));
            changed.add(own);
        }
        possible.stored(changed);
    }

    private boolean narrow(long page, int offset, int size, long actual) {
        FreedPage possible = freed(page);
        List<PageBytes> matching = possible.possible().stream()
                .filter(bytes -> ((bytes.word(offset) ^ actual) & StoredBytes.mask(size)) == 0)
                .toList();
        if (matching.isEmpty()) {
            return false;
        }
        possible.narrow(matching).forEach(this::release);
        if (possible.isSettled()) {
            freed.remove(page);
            table.put(page, possible.possible().get(0));
        }
        return true;
    }

    private FreedPage freed(long page) {
        return Objects.requireNonNull(freed.get(page), "every page that is not remembered is a freed one");
    }

    /** Forgets the pages of a range, but not what lies under them. */
    private void drop(long first, long end) {
        forget();
        table.visit(first, end, (page, bytes) -> {
            release(bytes);
            table.remove(page);
            FreedPage possible = freed.remove(page);
            if (possible != null) {
                possible.possible().forEach(this::release);
            }
        });
    }

    private void forget() {
        Arrays.fill(readable, NONE);
        Arrays.fill(writable, NONE);
    }

    private void accountTable() {
        long now = table.bytes();
        if (now != tableBytes) {
            model.held(now - tableBytes);
            tableBytes = now;
        }
    }

    private static long page(long address) {
        return address >>> ContentModel.PAGE_SHIFT;
    }

    /** The number of the page behind a range that may end within a page. */
    private static long end(long address, long length) {
        return address + length + OFFSET_MASK >>> ContentModel.PAGE_SHIFT;
    }
}
