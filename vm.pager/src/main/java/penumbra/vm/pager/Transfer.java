// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.BackingStore;

/**
 * One swap transfer under way: its pages, where they go, and the buffer between scattered frames and adjacent slots
 * (FreeBSD's {@code struct buf}). Pooled; belongs to one thread at a time.
 */
final class Transfer {
    private final ByteBuffer buffer = ByteBuffer.allocateDirect((BackingStore.MAX_RUN + 1) * PageSize.BYTES)
            .alignedSlice(PageSize.BYTES);
    private final CRC32C crc = new CRC32C();
    private final @Nullable Page[] pages = new @Nullable Page[BackingStore.MAX_RUN];
    private final long[] stamps = new long[BackingStore.MAX_RUN];
    private final boolean[] good = new boolean[BackingStore.MAX_RUN];
    private @Nullable VmObject object;
    private int count;

    /** The location of the first page. */
    long location;

    /** What the read failed with; null when it did not. */
    @Nullable
    IOException failure;

    /** Starts over for {@code object}. */
    void reset(VmObject object) {
        this.object = object;
        failure = null;
        count = 0;
    }

    /** Adds a page and the stamp of what its slot holds or is going to hold. */
    void add(Page page, long stamp) {
        pages[count] = page;
        stamps[count++] = stamp;
    }

    /** Adds a page that stays where it is while its slot is copied, and the stamp of what the slot holds. */
    void add(long stamp) {
        stamps[count++] = stamp;
    }

    /** Lets the pages go. */
    void clear() {
        object = null;
        Arrays.fill(pages, 0, count, null);
        count = 0;
    }

    VmObject object() {
        return Objects.requireNonNull(object);
    }

    int count() {
        return count;
    }

    Page page(int i) {
        return Objects.requireNonNull(pages[i]);
    }

    long stamp(int i) {
        return stamps[i];
    }

    void setStamp(int i, long stamp) {
        stamps[i] = stamp;
    }

    boolean good(int i) {
        return good[i];
    }

    void setGood(int i, boolean isGood) {
        good[i] = isGood;
    }

    /** The buffer, from the first page's first byte to the last one's last. */
    ByteBuffer buffer() {
        return buffer(0, count);
    }

    /** The part of the buffer of pages {@code [first, first + n)}. */
    ByteBuffer buffer(int first, int n) {
        return buffer.limit((first + n) * PageSize.BYTES).position(first * PageSize.BYTES);
    }

    /** Copies a page's frame into the buffer; the page is busy, so its contents stay as they are. */
    void gather(int i, PhysicalMemory memory) {
        memory.read(page(i).frame(), 0, buffer.clear(), i * PageSize.BYTES, PageSize.BYTES);
    }

    /** Copies a page's part of the buffer into its frame; the page is busy and not mapped. */
    void scatter(int i, PhysicalMemory memory) {
        scatter(i, page(i), memory);
    }

    /** Copies the part of the buffer of page {@code i} into the frame of {@code page}. */
    void scatter(int i, Page page, PhysicalMemory memory) {
        memory.write(page.frame(), 0, buffer.clear(), i * PageSize.BYTES, PageSize.BYTES);
    }

    /** Reads one slot and compares its checksum. */
    boolean holds(BackingStore store, long slot, int checksum) throws IOException {
        store.read(slot, buffer.limit(PageSize.BYTES).position(0));
        return checksum(0) == checksum;
    }

    /** The CRC-32C of a page's part of the buffer. */
    int checksum(int i) {
        crc.reset();
        crc.update(buffer.limit((i + 1) * PageSize.BYTES).position(i * PageSize.BYTES));
        return (int) crc.getValue();
    }
}
