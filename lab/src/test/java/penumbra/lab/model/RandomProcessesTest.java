// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The model against one so simple that it cannot be wrong: an array of bytes per process and file. */
class RandomProcessesTest {
    private static final int PAGE = ContentModel.PAGE_SIZE;
    private static final int PAGES = 24;
    private static final long BASE = 0x7f00_0000_0000L;
    private static final int STEPS = 20_000;
    private static final int MOST_PROCESSES = 5;
    private static final int FILES = 3;

    /** One page of one process: its own bytes, or a view of a page of a file. */
    private static final class PlainPage {
        byte[] own = new byte[PAGE];
        int file = -1;
        int filePage;
        boolean shared;
        boolean copied;

        PlainPage copy() {
            PlainPage copy = new PlainPage();
            copy.own = own.clone();
            copy.file = file;
            copy.filePage = filePage;
            copy.shared = shared;
            copy.copied = copied;
            return copy;
        }
    }

    private static final class Pair {
        ProcessModel model;
        PlainPage[] plain = new PlainPage[PAGES];
    }

    private final ContentModel model = new ContentModel();
    private final byte[][] plainFiles = new byte[FILES][2 * PAGES * PAGE];
    private final FileContent[] files = new FileContent[FILES];
    private final List<Pair> processes = new ArrayList<>();
    private Random random = new Random();
    private int nextProcess;
    private long nextStore;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 20_240_229})
    void agreesWithArraysOfBytes(long seed) {
        System.out.println("seed " + seed);
        random = new Random(seed);
        for (int i = 0; i < FILES; i++) {
            byte[] original = new byte[plainFiles[i].length];
            random.nextBytes(original);
            plainFiles[i] = original.clone();
            files[i] = model.file(
                    (offset, into, at, length) -> System.arraycopy(original, (int) offset, into, at, length));
        }
        Pair first = new Pair();
        first.model = model.process(nextProcess++);
        processes.add(first);
        for (int step = 0; step < STEPS; step++) {
            step(processes.get(random.nextInt(processes.size())), step);
        }
        processes.forEach(pair -> verify(pair, STEPS));
        processes.forEach(pair -> pair.model.close());
        assertThat(model.peakBytesHeld()).isPositive();
    }

    private void step(Pair pair, int step) {
        int what = random.nextInt(1000);
        int first = random.nextInt(PAGES);
        int count = 1 + random.nextInt(PAGES - first);
        if (what < 10) {
            map(pair, first, Math.min(count, 6));
        } else if (what < 13) {
            pair.model.unmap(address(first), count * (long) PAGE - random.nextInt(PAGE));
            Arrays.fill(pair.plain, first, first + count, null);
        } else if (what < 18) {
            discard(pair, first, count);
        } else if (what < 22) {
            move(pair, first, Math.min(count, 5));
        } else if (what < 26 && processes.size() < MOST_PROCESSES) {
            fork(pair);
        } else if (what < 28 && processes.size() > 1) {
            verify(pair, step);
            pair.model.close();
            processes.remove(pair);
        } else if (what < 500) {
            store(pair, first);
        } else {
            load(pair, first, step);
        }
    }

    private void map(Pair pair, int first, int count) {
        boolean zero = random.nextInt(3) == 0;
        boolean shared = !zero && random.nextBoolean();
        int file = random.nextInt(FILES);
        int filePage = random.nextInt(PAGES);
        long length = count * (long) PAGE - random.nextInt(PAGE);
        if (zero) {
            pair.model.mapZero(address(first), length);
        } else if (shared) {
            pair.model.mapShared(address(first), length, files[file], filePage * (long) PAGE);
        } else {
            pair.model.mapPrivate(address(first), length, files[file], filePage * (long) PAGE);
        }
        for (int i = 0; i < count; i++) {
            PlainPage page = new PlainPage();
            page.file = zero ? -1 : file;
            page.filePage = filePage + i;
            page.shared = shared;
            pair.plain[first + i] = page;
        }
    }

    private void discard(Pair pair, int first, int count) {
        pair.model.discard(address(first), count * (long) PAGE);
        for (int i = first; i < first + count; i++) {
            PlainPage page = pair.plain[i];
            if (page != null && !page.shared) {
                page.copied = false;
                page.own = new byte[PAGE];
            }
        }
    }

    private void move(Pair pair, int first, int count) {
        int target = random.nextInt(PAGES - count + 1);
        boolean apart = target + count <= first || target >= first + count;
        for (int i = first; i < first + count; i++) {
            if (pair.plain[i] == null) {
                return;
            }
        }
        if (!apart) {
            return;
        }
        pair.model.move(address(first), count * (long) PAGE, address(target), count * (long) PAGE);
        for (int i = 0; i < count; i++) {
            pair.plain[target + i] = pair.plain[first + i];
            pair.plain[first + i] = null;
        }
    }

    private void fork(Pair pair) {
        Pair child = new Pair();
        child.model = pair.model.fork(nextProcess++);
        for (int i = 0; i < PAGES; i++) {
            child.plain[i] = pair.plain[i] == null ? null : pair.plain[i].copy();
        }
        processes.add(child);
    }

    private void store(Pair pair, int first) {
        int offset = random.nextInt(PAGE);
        int size = 1 + random.nextInt(random.nextInt(10) == 0 ? 600 : 8);
        if (!mapped(pair, first, offset + size)) {
            return;
        }
        byte[] bytes = new byte[size];
        long store = nextStore++;
        if (size <= 8) {
            long value = pair.model.store(address(first) + offset, size, store);
            for (int i = 0; i < size; i++) {
                bytes[i] = (byte) (value >>> 8 * i);
            }
        } else {
            pair.model.store(address(first) + offset, size, store, bytes);
        }
        for (int i = 0; i < size; i++) {
            PlainPage page = pair.plain[first + (offset + i) / PAGE];
            int at = (offset + i) % PAGE;
            if (page.shared) {
                plainFiles[page.file][page.filePage * PAGE + at] = bytes[i];
            } else {
                if (page.file >= 0 && !page.copied) {
                    System.arraycopy(plainFiles[page.file], page.filePage * PAGE, page.own, 0, PAGE);
                    page.copied = true;
                }
                page.own[at] = bytes[i];
            }
        }
    }

    private void load(Pair pair, int first, int step) {
        int offset = random.nextInt(PAGE);
        int size = 1 + random.nextInt(random.nextInt(10) == 0 ? 600 : 8);
        if (!mapped(pair, first, offset + size)) {
            return;
        }
        byte[] bytes = plain(pair, first, offset, size);
        assertThat(pair.model.check(address(first) + offset, size, bytes))
                .as("step %d", step)
                .isTrue();
        bytes[random.nextInt(size)] ^= (byte) (1 << random.nextInt(8));
        assertThat(pair.model.check(address(first) + offset, size, bytes))
                .as("step %d", step)
                .isFalse();
    }

    private void verify(Pair pair, int step) {
        for (int i = 0; i < PAGES; i++) {
            if (pair.plain[i] != null) {
                assertThat(pair.model.check(address(i), PAGE, plain(pair, i, 0, PAGE)))
                        .as("step %d", step)
                        .isTrue();
            }
        }
    }

    private boolean mapped(Pair pair, int first, int bytes) {
        int last = first + (bytes - 1) / PAGE;
        for (int i = first; i <= last; i++) {
            if (i >= PAGES || pair.plain[i] == null) {
                return false;
            }
        }
        return true;
    }

    private byte[] plain(Pair pair, int first, int offset, int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            PlainPage page = pair.plain[first + (offset + i) / PAGE];
            int at = (offset + i) % PAGE;
            boolean fromFile = page.file >= 0 && !page.copied;
            bytes[i] = fromFile ? plainFiles[page.file][page.filePage * PAGE + at] : page.own[at];
        }
        return bytes;
    }

    private static long address(int page) {
        return BASE + page * (long) PAGE;
    }
}
