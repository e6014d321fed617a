// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.page.Page;

/**
 * The contents of pages as scripts see them: one number for each 512-byte block, which the block holds in every one of
 * its 64 words.
 *
 * <p>A word has the number in its lower half and, unless the number is 0, a mark in its upper half, so that no byte at
 * the end of a word is zero by chance: a block whose end was zeroed, because a file ends in it, shows 0.
 */
final class Tags {
    static final int BLOCKS = PageSize.BYTES / PageSize.BLOCK;

    private static final long MARK = 0xA5A5_A5A5L << Integer.SIZE;
    private static final int LAST_BYTE = Long.SIZE - Byte.SIZE;

    /** Where in a block the word lies that shows its number in memory. */
    static final int LAST_WORD = PageSize.BLOCK - Long.BYTES;

    private Tags() {}

    /** A block's bytes that show {@code tag}, written over {@code bytes} from {@code offset}. */
    static void fillBlock(byte[] bytes, int offset, long tag) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, PageSize.BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            buffer.putLong(tag == 0 ? 0 : MARK | tag);
        }
    }

    static byte[] page(long tag) {
        byte[] bytes = new byte[PageSize.BYTES];
        for (int block = 0; block < BLOCKS; block++) {
            fillBlock(bytes, block * PageSize.BLOCK, tag);
        }
        return bytes;
    }

    static long[] of(PhysicalMemory memory, Page page) {
        return of(memory, page.frame());
    }

    static long[] of(PhysicalMemory memory, int frame) {
        long[] tags = new long[BLOCKS];
        for (int block = 0; block < BLOCKS; block++) {
            tags[block] = number(memory.load(frame, block * PageSize.BLOCK + LAST_WORD, Long.BYTES));
        }
        return tags;
    }

    /** The number that a word shows. */
    static long number(long word) {
        return word >>> LAST_BYTE == 0 ? 0 : (int) word;
    }

    /** What a page shows that was read from a file or from swap. */
    static long[] of(ByteBuffer page) {
        ByteBuffer words = page.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        long[] tags = new long[BLOCKS];
        for (int block = 0; block < BLOCKS; block++) {
            tags[block] = number(words.getLong(block * PageSize.BLOCK + LAST_WORD));
        }
        return tags;
    }

    /** One number when all blocks show the same, else an array. */
    static JsonNode json(long[] tags) {
        if (Arrays.stream(tags).allMatch(tag -> tag == tags[0])) {
            return JsonNodeFactory.instance.numberNode(tags[0]);
        }
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (long tag : tags) {
            array.add(tag);
        }
        return array;
    }
}
