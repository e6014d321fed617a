// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Prot;
import penumbra.vnode.FileNode;

/**
 * What an ELF file says of how it is mapped (System V ABI, amd64, 64-bit little-endian).
 *
 * @param movable whether it may be mapped anywhere (ET_DYN)
 * @param interpreter the loader that it asks for; null for none
 * @param segments what is to be mapped (PT_LOAD), by address
 */
record ElfImage(boolean movable, @Nullable String interpreter, List<Segment> segments) {
    private static final int HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final int MAGIC = 0x464C_457F;
    private static final int CLASS_64 = 2;
    private static final int LITTLE_ENDIAN = 1;
    private static final int ET_EXEC = 2;
    private static final int ET_DYN = 3;
    private static final int PT_LOAD = 1;
    private static final int PT_INTERP = 3;
    private static final int MAX_PROGRAM_HEADERS = 256;
    private static final int MAX_PATH = 4096;

    /**
     * A part of the file and where it goes, relative to the image.
     *
     * @param memorySize bytes in memory; what the file lacks is zero
     */
    record Segment(long offset, long address, long fileSize, long memorySize, int prot) {}

    /** Reads the headers; null when the file is no such ELF image. */
    static @Nullable ElfImage read(FileNode file) throws IOException {
        ByteBuffer header = bytes(file, 0, HEADER);
        if (header.remaining() < HEADER
                || header.getInt(0) != MAGIC
                || header.get(4) != CLASS_64
                || header.get(5) != LITTLE_ENDIAN) {
            return null;
        }
        int type = header.getShort(16);
        int count = Math.min(header.getShort(56) & 0xffff, MAX_PROGRAM_HEADERS);
        if (type != ET_EXEC && type != ET_DYN) {
            return null;
        }
        ByteBuffer table = bytes(file, header.getLong(32), count * PROGRAM_HEADER);
        if (table.remaining() < count * PROGRAM_HEADER) {
            return null;
        }
        @Nullable String interpreter = null;
        List<Segment> segments = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = i * PROGRAM_HEADER;
            long offset = table.getLong(at + 8);
            long fileSize = table.getLong(at + 32);
            switch (table.getInt(at)) {
                case PT_LOAD ->
                    segments.add(new Segment(
                            offset,
                            table.getLong(at + 16),
                            fileSize,
                            table.getLong(at + 40),
                            prot(table.getInt(at + 4))));
                case PT_INTERP -> interpreter = string(bytes(file, offset, (int) Math.min(fileSize, MAX_PATH)));
                default -> {
                    // Says nothing about mappings.
                }
            }
        }
        return new ElfImage(type == ET_DYN, interpreter, segments);
    }

    /** ELF numbers the bits the other way round: execute 1, write 2, read 4. */
    private static int prot(int flags) {
        return ((flags & 4) != 0 ? Prot.READ : 0)
                | ((flags & 2) != 0 ? Prot.WRITE : 0)
                | ((flags & 1) != 0 ? Prot.EXECUTE : 0);
    }

    private static String string(ByteBuffer bytes) {
        String text = StandardCharsets.UTF_8.decode(bytes).toString();
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    private static ByteBuffer bytes(FileNode file, long offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        if (offset >= 0) {
            file.read(offset, buffer);
        }
        return buffer.flip();
    }
}
