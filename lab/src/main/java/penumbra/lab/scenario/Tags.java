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
 * The contents of pages as scripts see them: one number for each 512-byte block, which the block holds in every one of its
 * 64 words.
 */
final class Tags {
    static final int BLOCKS = PageSize.BYTES / PageSize.BLOCK;

    private Tags() {}

    /** A block's bytes that show {@code tag}, written over {@code bytes} from {@code offset}. */
    static void fillBlock(byte[] bytes, int offset, long tag) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, PageSize.BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            buffer.putLong(tag);
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
        long[] tags = new long[BLOCKS];
        for (int block = 0; block < BLOCKS; block++) {
            // The last word: where a file ends within a block the rest of it is zero in memory, and so is its tag.
            tags[block] = memory.load(page.frame(), (block + 1) * PageSize.BLOCK - Long.BYTES, Long.BYTES);
        }
        return tags;
    }

    /** The word at {@code offset}. */
    static long first(byte[] bytes, int offset) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(offset);
    }

    /** The tags of a page of a file or of swap: the first word of each block. */
    static long[] firstWords(ByteBuffer page) {
        ByteBuffer words = page.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        long[] tags = new long[BLOCKS];
        for (int block = 0; block < BLOCKS; block++) {
            tags[block] = words.getLong(block * PageSize.BLOCK);
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
