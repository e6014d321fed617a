// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.function.ObjLongConsumer;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.inspect.CounterSource;
import penumbra.kern.BlockList;
import penumbra.kern.Counter;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.pager.BackingStore;

/**
 * A backing store in the machine's compressed memory. Everything that it must not lose is there, so a store that comes
 * back takes over what the last one left.
 *
 * <p>How much a page is going to take shows only when it is written, so an allocation sets memory aside for pages that
 * do not compress at all, and the write gives back what it did not need: a store that allocated can write, and one
 * whose memory is used up answers as a full device does, whatever slots it has left. A page of one word takes no memory
 * but its entry. A page that does not compress is stored as it is.
 */
public final class ZswapStore implements BackingStore, CounterSource, AutoCloseable {
    /** What a page takes that does not compress. */
    private static final int WORST = BlockChains.blocksFor(PageSize.BYTES);

    private final KernelLock lock = new KernelLock(LockRank.STORE, "compressed store");
    private final String name;
    private final long slots;
    private final SlotTable table;
    private final BlockChains chains;
    private final CodecPool codecs;

    /** Which slots are free; none before the pages that the last store left are known. */
    private BlockList free;

    /** Blocks set aside for slots that were allocated and not written yet. */
    private long aside;

    private final Counter pagesWritten = new Counter("vm.zswap.pages_written");
    private final Counter bytesWritten = new Counter("vm.zswap.bytes_written");
    private long pages;
    private long samePages;
    private long plainPages;
    private long usedBlocks;

    private ZswapStore(String name, Region region, long slots, int level) throws IOException {
        this.name = name;
        this.slots = slots;
        this.table = new SlotTable(region, slots);
        this.chains = new BlockChains(region, SlotTable.bytes(slots));
        this.codecs = new CodecPool(level);
        this.free = new BlockList(slots);
        table.enter();
        if (!table.isThere()) {
            table.format();
            takeOver(allFree(), new BitSet());
        }
    }

    /**
     * The store in the compressed memory of the machine: the one that was there, unless it was retired, else a new one.
     * The former hands out nothing before {@link #reattach}, and has as many slots as it had, since pages may wait in
     * them.
     *
     * @param name the name that commands use
     * @param slots how many pages a new one can have, at least 1, if they compress well enough
     * @param level zstd's, -100 to 22; the lower, the faster
     * @throws IOException when there is no compressed memory, or too little for one page, or another store uses it; the
     *     message is one line
     */
    public static ZswapStore open(String name, PhysicalMemory memory, long slots, int level) throws IOException {
        Region region = new Region(memory);
        if (slots < 1 || region.bytes() - SlotTable.bytes(slots) < (long) WORST * BlockChains.BLOCK) {
            throw new IOException(region.bytes() + " bytes of compressed memory are too few for " + slots
                    + " slots, which take " + SlotTable.bytes(slots) + ", and one page");
        }
        long left = SlotTable.left(region);
        return new ZswapStore(name, region, left == 0 ? slots : left, level);
    }

    /** How many slots go with the compressed memory of a machine if pages shrink to one {@code factor}th. */
    public static long slotsFor(PhysicalMemory memory, int factor) throws IOException {
        return PageSize.index(new Region(memory).bytes()) * factor;
    }

    private BlockList allFree() {
        BlockList list = new BlockList(slots);
        list.free(0, slots);
        return list;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String identity() {
        return table.identity().toString();
    }

    @Override
    public long capacity() {
        return slots;
    }

    /** Free slots; the memory may be used up before they are. */
    @Override
    public long available() {
        lock.lock();
        long count = free.free();
        lock.unlock();
        return count;
    }

    @Override
    public long allocate(int count) {
        lock.lock();
        try {
            if (chains.free() - aside < (long) count * WORST) {
                return NO_SLOT;
            }
            long slot = free.allocate(count);
            if (slot == BlockList.NONE) {
                return NO_SLOT;
            }
            for (int i = 0; i < count; i++) {
                table.set(slot + i, SlotTable.EMPTY);
            }
            aside += (long) count * WORST;
            return slot;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void free(long slot, int count) {
        lock.lock();
        try {
            free.free(slot, count);
            for (int i = 0; i < count; i++) {
                drop(table.entry(slot + i));
                table.set(slot + i, SlotTable.FREE);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Gives back what an entry has in memory. */
    private void drop(long entry) {
        switch (SlotTable.kind(entry)) {
            case SlotTable.EMPTY:
                aside -= WORST;
                break;
            case SlotTable.SAME:
                countSame(-1);
                break;
            case SlotTable.CHAIN:
                chains.give(SlotTable.first(entry), BlockChains.blocksFor(SlotTable.length(entry)));
                count(SlotTable.length(entry), -1);
                break;
            default:
        }
    }

    private void countSame(int sign) {
        pages += sign;
        samePages += sign;
    }

    private void count(int length, int sign) {
        pages += sign;
        plainPages += length == PageSize.BYTES ? sign : 0;
        usedBlocks += (long) sign * BlockChains.blocksFor(length);
    }

    @Override
    public void reattach(SlotSet used) throws IOException {
        lock.lock();
        try {
            if (!table.isThere()) {
                table.format();
            }
            BlockList list = allFree();
            BitSet blocks = new BitSet(chains.blocks());
            long[] wrong = {NO_SLOT};
            used.forEach(slot -> {
                if (wrong[0] == NO_SLOT && !isOurs(slot, list, blocks)) {
                    wrong[0] = slot;
                }
            });
            if (wrong[0] != NO_SLOT) {
                throw new IOException("compressed memory: slot " + wrong[0] + " is outside of its " + slots
                        + " slots, was never allocated, is damaged, or is named twice");
            }
            takeOver(list, blocks);
        } finally {
            lock.unlock();
        }
    }

    private boolean isOurs(long slot, BlockList list, BitSet blocks) {
        if (slot < 0 || slot >= slots || list.fill(slot, 1) != 1) {
            return false;
        }
        long entry = table.entry(slot);
        int kind = SlotTable.kind(entry);
        return kind == SlotTable.EMPTY
                || kind == SlotTable.SAME
                || (kind == SlotTable.CHAIN
                        && SlotTable.length(entry) > 0
                        && SlotTable.length(entry) <= PageSize.BYTES
                        && chains.visit(SlotTable.first(entry), SlotTable.length(entry), blocks));
    }

    /** Keeps the slots that {@code list} has not, whose chains have {@code blocks}, and forgets the others. */
    private void takeOver(BlockList list, BitSet blocks) {
        free = list;
        chains.rebuild(blocks);
        aside = 0;
        pages = 0;
        samePages = 0;
        plainPages = 0;
        usedBlocks = 0;
        for (long slot = 0; slot < slots; slot++) {
            if (list.isFree(slot)) {
                table.set(slot, SlotTable.FREE);
            } else {
                count(table.entry(slot));
            }
        }
    }

    private void count(long entry) {
        switch (SlotTable.kind(entry)) {
            case SlotTable.EMPTY:
                aside += WORST;
                break;
            case SlotTable.SAME:
                countSame(1);
                break;
            default:
                count(SlotTable.length(entry), 1);
        }
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        PageCodec codec = codecs.take();
        try {
            for (long at = slot; to.hasRemaining(); at++) {
                readPage(at, to.position(), to, codec);
                to.position(to.position() + PageSize.BYTES);
            }
        } finally {
            codecs.give(codec);
        }
    }

    private void readPage(long slot, int position, ByteBuffer to, PageCodec codec) throws IOException {
        checkSlot(slot);
        lock.lock();
        long entry = table.entry(slot);
        long word = table.word(slot);
        lock.unlock();
        int length = SlotTable.length(entry);
        switch (SlotTable.kind(entry)) {
            case SlotTable.SAME:
                codec.fill(word);
                break;
            case SlotTable.CHAIN:
                if (length == PageSize.BYTES) {
                    chains.read(SlotTable.first(entry), codec.plain(), length);
                } else {
                    chains.read(SlotTable.first(entry), codec.packed(), length);
                    codec.unpack(length);
                }
                break;
            default:
                throw new IOException("slot " + slot + " of the compressed memory was never written");
        }
        to.put(position, codec.plain(), 0, PageSize.BYTES);
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        PageCodec codec = codecs.take();
        try {
            for (long at = slot; from.hasRemaining(); at++) {
                codec.plain().put(0, from, from.position(), PageSize.BYTES);
                writePage(at, codec);
                from.position(from.position() + PageSize.BYTES);
            }
        } finally {
            codecs.give(codec);
        }
    }

    private void writePage(long slot, PageCodec codec) throws IOException {
        checkSlot(slot);
        pagesWritten.increment();
        if (codec.isSame()) {
            replaceWithSame(slot, codec.word());
            bytesWritten.add(Long.BYTES);
            return;
        }
        int packed = codec.pack();
        int length = Math.min(packed, PageSize.BYTES);
        int first = replaceWithChain(slot, length);
        bytesWritten.add((long) BlockChains.blocksFor(length) * BlockChains.BLOCK);
        chains.write(first, packed < PageSize.BYTES ? codec.packed() : codec.plain(), length);
    }

    /** Drops what a slot has; its page is one word now. */
    private void replaceWithSame(long slot, long word) throws IOException {
        lock.lock();
        try {
            drop(allocated(slot));
            countSame(1);
            table.setSame(slot, word);
        } finally {
            lock.unlock();
        }
    }

    /** Drops what a slot has, and takes a chain for {@code length} bytes in its place; returns the first block. */
    private int replaceWithChain(long slot, int length) throws IOException {
        int blocks = BlockChains.blocksFor(length);
        lock.lock();
        try {
            long entry = allocated(slot);
            if (chains.free() - aside + held(entry) < blocks) {
                throw new IOException("compressed memory is full: " + chains.free() + " of " + chains.blocks()
                        + " blocks are free, " + aside + " of them set aside");
            }
            drop(entry);
            int first = chains.take(blocks);
            count(length, 1);
            table.set(slot, SlotTable.chain(first, length));
            return first;
        } finally {
            lock.unlock();
        }
    }

    private long allocated(long slot) throws IOException {
        long entry = table.entry(slot);
        if (SlotTable.kind(entry) == SlotTable.FREE) {
            throw new IOException("slot " + slot + " of the compressed memory is not allocated");
        }
        return entry;
    }

    /** The blocks that {@link #drop} would make free. */
    private static int held(long entry) {
        return switch (SlotTable.kind(entry)) {
            case SlotTable.EMPTY -> WORST;
            case SlotTable.CHAIN -> BlockChains.blocksFor(SlotTable.length(entry));
            default -> 0;
        };
    }

    private void checkSlot(long slot) throws IOException {
        if (slot < 0 || slot >= slots) {
            throw new EOFException("the compressed memory ends at slot " + slots + ", before " + slot);
        }
    }

    /** Forgets every page; the next store begins anew. */
    @Override
    public void retire() {
        lock.lock();
        table.forget();
        lock.unlock();
    }

    /** Lets go of the memory, which keeps the pages. No transfer is under way. */
    @Override
    public void close() {
        codecs.close();
        table.leave();
    }

    /** How many percent of a page a page takes, entries left out; 100 when there is none. */
    public long ratioPercent() {
        lock.lock();
        long percent = pages == 0 ? 100 : PageSize.index(storedBytes() * 100) / pages;
        lock.unlock();
        return percent;
    }

    private long storedBytes() {
        return usedBlocks * BlockChains.BLOCK + samePages * Long.BYTES;
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        lock.lock();
        long[] figures = {pages, samePages, plainPages, storedBytes(), (long) chains.free() * BlockChains.BLOCK};
        lock.unlock();
        visitor.accept("vm.zswap.pages", figures[0]);
        visitor.accept("vm.zswap.same_filled_pages", figures[1]);
        visitor.accept("vm.zswap.incompressible_pages", figures[2]);
        visitor.accept("vm.zswap.stored_bytes", figures[3]);
        visitor.accept("vm.zswap.free_bytes", figures[4]);
        visitor.accept("vm.zswap.ratio_percent", ratioPercent());
        visitor.accept("vm.zswap.codecs", codecs.existing());
        visitor.accept(pagesWritten.name(), pagesWritten.get());
        visitor.accept(bytesWritten.name(), bytesWritten.get());
    }
}
