// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * Memory in small blocks that are strung to chains, so that contents of any length fit wherever blocks are free and no
 * space is lost between them. Each block begins with the number of the next; so do the free ones, which are one chain.
 *
 * <p>{@link #take}, {@link #give} and {@link #rebuild} want the store's lock; contents of a chain are moved without it.
 */
final class BlockChains {
    /** Bytes in a block: a small part of a compressed page, and a divisor of the frame size. */
    static final int BLOCK = 128;

    /** Behind the last block of a chain. */
    static final int NONE = -1;

    private static final int LINK = Integer.BYTES;
    private static final int PAYLOAD = BLOCK - LINK;

    private final Region region;
    private final long start;
    private final int blocks;
    private int firstFree = NONE;
    private int free;

    /**
     * The blocks from byte {@code start} of {@code region}, a multiple of {@link #BLOCK}, to its end; none is free yet.
     */
    BlockChains(Region region, long start) {
        this.region = region;
        this.start = start;
        this.blocks = (int) Math.min(Integer.MAX_VALUE, Math.max(0, region.bytes() - start) / BLOCK);
    }

    /** How many blocks {@code length} bytes take. */
    static int blocksFor(int length) {
        return (length + PAYLOAD - 1) / PAYLOAD;
    }

    int blocks() {
        return blocks;
    }

    int free() {
        return free;
    }

    /** Takes a chain of {@code count} (at least 1) blocks, of which there are so many; returns its first. */
    int take(int count) {
        int first = firstFree;
        int last = first;
        for (int i = 1; i < count; i++) {
            last = next(last);
        }
        firstFree = next(last);
        link(last, NONE);
        free -= count;
        return first;
    }

    /** Takes a chain of {@code count} blocks back. */
    void give(int first, int count) {
        int last = first;
        for (int i = 1; i < count; i++) {
            last = next(last);
        }
        link(last, firstFree);
        firstFree = first;
        free += count;
    }

    /** Strings all blocks but those of {@code used} to the free chain, in ascending order. */
    void rebuild(BitSet used) {
        int next = NONE;
        free = 0;
        for (int block = used.previousClearBit(blocks - 1); block >= 0; block = used.previousClearBit(block - 1)) {
            link(block, next);
            next = block;
            free++;
        }
        firstFree = next;
    }

    /**
     * Adds the blocks of a chain to {@code visited}.
     *
     * @return false when it does not have exactly the blocks that {@code length} bytes take, or shares one
     */
    boolean visit(int first, int length, BitSet visited) {
        int block = first;
        for (int left = blocksFor(length); left > 0; left--) {
            if (block < 0 || block >= blocks || visited.get(block)) {
                return false;
            }
            visited.set(block);
            block = next(block);
        }
        return block == NONE;
    }

    /** Copies {@code length} bytes of {@code from}, from its start, into a chain that takes as many. */
    void write(int first, ByteBuffer from, int length) {
        int block = first;
        for (int done = 0; done < length; done += PAYLOAD) {
            region.write(address(block) + LINK, from, done, Math.min(PAYLOAD, length - done));
            block = next(block);
        }
    }

    /**
     * Copies the {@code length} bytes of a chain to the start of {@code to}.
     *
     * @throws IOException when the chain ends before
     */
    void read(int first, ByteBuffer to, int length) throws IOException {
        int block = first;
        for (int done = 0; done < length; done += PAYLOAD) {
            if (block < 0 || block >= blocks) {
                throw new IOException("a chain of compressed memory ends after " + done + " of " + length + " bytes");
            }
            region.read(address(block) + LINK, to, done, Math.min(PAYLOAD, length - done));
            block = next(block);
        }
    }

    private long address(int block) {
        return start + (long) block * BLOCK;
    }

    private int next(int block) {
        return region.loadInt(address(block));
    }

    private void link(int block, int next) {
        region.storeInt(address(block), next);
    }
}
