// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import penumbra.hw.PageSize;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.pager.BackingStore;
import penumbra.pager.zswap.ZswapStore;

/**
 * Page-out to and page-in from the compressed store, in runs of 16 pages, as the pager writes and reads them.
 *
 * <pre>
 * ZswapSpeed FILE [LEVEL...]
 * </pre>
 *
 * <p>The pages are those of the file, over and over. For each level it prints megabytes of plain pages in a second of
 * one core's time, the best of several rounds, and what a page shrinks to.
 */
public final class ZswapSpeed {
    private static final int[] LEVELS = {-10, -7, -6, -5, -4, -3, -1, 1};
    private static final int PAGES = 8192;
    private static final int ROUNDS = 12;
    private static final int RUN = BackingStore.MAX_RUN;

    private final ByteBuffer text;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(RUN * PageSize.BYTES);

    private ZswapSpeed(ByteBuffer text) {
        this.text = text;
    }

    /** Measures. */
    public static void main(String[] args) throws IOException {
        if (args.length < 1) {
            System.err.println("usage: ZswapSpeed FILE [LEVEL...]");
            System.exit(2);
        }
        ZswapSpeed speed = new ZswapSpeed(text(Path.of(args[0])));
        int[] levels = args.length == 1 ? LEVELS : new int[args.length - 1];
        for (int i = 1; i < args.length; i++) {
            levels[i - 1] = Integer.parseInt(args[i]);
        }
        for (int level : levels) {
            speed.measure(level);
        }
    }

    /** The file, again and again until a run is full, in whole runs. */
    private static ByteBuffer text(Path file) throws IOException {
        byte[] once = Files.readAllBytes(file);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        do {
            all.write(once);
        } while (all.size() < RUN * PageSize.BYTES);
        int length = all.size() / (RUN * PageSize.BYTES) * (RUN * PageSize.BYTES);
        return ByteBuffer.allocateDirect(length).put(all.toByteArray(), 0, length);
    }

    private void measure(int level) throws IOException {
        long out = Long.MAX_VALUE;
        long in = Long.MAX_VALUE;
        long percent = 0;
        for (int round = 0; round < ROUNDS; round++) {
            try (FrameMemory memory =
                            new FrameMemory(MemoryLayout.ofFrames(1024).withCompressedPages(2 * PAGES));
                    ZswapStore store = ZswapStore.open("zswap", memory, PAGES, level)) {
                long[] slots = new long[PAGES / RUN];
                for (int i = 0; i < slots.length; i++) {
                    slots[i] = store.allocate(RUN);
                }
                out = Math.min(out, write(store, slots));
                in = Math.min(in, read(store, slots));
                percent = store.ratioPercent();
                store.retire();
            }
        }
        System.out.printf(
                Locale.ROOT,
                "level %d: page-out %.0f MB/s, page-in %.0f MB/s, pages shrink to %d %%%n",
                level,
                PageSize.bytes(PAGES) * 1e3 / out,
                PageSize.bytes(PAGES) * 1e3 / in,
                percent);
    }

    private long write(ZswapStore store, long[] slots) throws IOException {
        long start = busy();
        for (int i = 0; i < slots.length; i++) {
            int at = (int) ((long) i * RUN * PageSize.BYTES % text.capacity());
            store.write(slots[i], text.limit(at + RUN * PageSize.BYTES).position(at));
        }
        return busy() - start;
    }

    private long read(ZswapStore store, long[] slots) throws IOException {
        long start = busy();
        for (long slot : slots) {
            store.read(slot, buffer.clear());
        }
        return busy() - start;
    }

    /** Nanoseconds that this thread has had a core for. */
    private static long busy() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
