// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import penumbra.exam.machine.Interposed;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.lab.cli.ExitStatus;

/**
 * Faults in the system under the replay: each is found by a check and ends the run with status 1, and the same run
 * without it passes.
 */
class PlantedFaultsTest {
    private static final long BASE = 0x1000_0000L;
    private static final long OTHER = 0x2000_0000L;

    /** Three times the memory of these machines. */
    private static final int MANY = 400;

    private static final String MISMATCH = "content mismatch: ";
    private static final String REFUSED = " refused: ";

    @TempDir
    Path folder;

    /** Runs the logs without and with the fault, and sees it found. */
    private void verifyFound(Interposed fault, String message, Log... logs) throws IOException {
        Path recording = Files.createDirectory(folder.resolve("recording"));
        for (Log log : logs) {
            log.write(recording);
        }
        Run sound = Run.of(folder, recording, "--memory", "512k", "--swap", "8m");
        assertThat(sound.output()).endsWith("all invariants hold" + System.lineSeparator());
        assertThat(sound.status()).isEqualTo(ExitStatus.OK);
        Run faulty = Run.of(fault, folder, recording, "--memory", "512k", "--swap", "8m");
        assertThat(faulty.output()).contains(message).contains("repeat with: ./vm replay ");
        assertThat(faulty.status()).isEqualTo(ExitStatus.FAILED);
    }

    /** Stores to more pages than there are, and loads them all again. */
    private static Log paging() {
        return Log.fresh(100).map(BASE, MANY).storePages(BASE, MANY).loadPages(BASE, MANY);
    }

    @Test
    void aByteOfASwappedPageIsFlipped() throws IOException {
        Interposed fault = Plant.inStore((real, method, arguments, call) -> {
            if (!method.equals("read")) {
                return call.go();
            }
            ByteBuffer to = (ByteBuffer) arguments[1];
            int at = to.position() + 5;
            call.go();
            to.put(at, (byte) (to.get(at) ^ 1));
            return null;
        });
        verifyFound(fault, REFUSED, paging());
    }

    @Test
    void aByteIsFlippedBehindTheChecksum() throws IOException {
        Interposed fault = Plant.inMemory((real, method, arguments, call) -> {
            Object result = call.go();
            if (method.equals("write") && arguments[2] instanceof ByteBuffer) {
                int frame = (int) arguments[0];
                real.store(frame, 5, 1, real.load(frame, 5, 1) ^ 1);
            }
            return result;
        });
        verifyFound(fault, MISMATCH, paging());
    }

    @Test
    void twoSlotsAreExchanged() throws IOException {
        BitSet written = new BitSet();
        Interposed fault = Plant.inStore((real, method, arguments, call) -> {
            if (method.equals("write")) {
                int slot = (int) (long) arguments[0];
                written.set(slot, slot + ((ByteBuffer) arguments[1]).remaining() / PageSize.BYTES);
            } else if (method.equals("read")) {
                ByteBuffer to = (ByteBuffer) arguments[1];
                int slot = (int) (long) arguments[0];
                int limit = to.limit();
                while (to.position() < limit) {
                    to.limit(to.position() + PageSize.BYTES);
                    real.read(written.get(slot ^ 1) ? slot ^ 1 : slot, to);
                    slot++;
                }
                return null;
            }
            return call.go();
        });
        verifyFound(fault, REFUSED, paging());
    }

    @Test
    void aWriteToSwapIsLost() throws IOException {
        Interposed fault = Plant.inStore((real, method, arguments, call) -> {
            if (method.equals("write")) {
                ByteBuffer from = (ByteBuffer) arguments[1];
                from.position(from.limit());
                return null;
            }
            return call.go();
        });
        verifyFound(fault, REFUSED, paging());
    }

    @Test
    void aZeroPageTakesThePlaceOfASwappedOne() throws IOException {
        Interposed fault = Plant.inMemory((real, method, arguments, call) -> {
            Object result = call.go();
            if (method.equals("write") && arguments[2] instanceof ByteBuffer) {
                real.zero((int) arguments[0], 0, PageSize.BYTES);
            }
            return result;
        });
        verifyFound(fault, MISMATCH, paging());
    }

    @Test
    void aFrameIsHandedOutWithWhatLayInIt() throws IOException {
        Interposed fault = Plant.inMemory((real, method, arguments, call) ->
                method.equals("zero") && (int) arguments[2] == PageSize.BYTES ? null : call.go());
        verifyFound(fault, MISMATCH, paging().map(OTHER, MANY).loadPages(OTHER, MANY));
    }

    @Test
    void aModifiedBitIsLost() throws IOException {
        Interposed fault = Plant.inMmu((real, method, arguments, call) -> {
            if (method.equals("attach")) {
                arguments[2] = Plant.before(
                        MmuReports.class,
                        (MmuReports) arguments[2],
                        (reports, name, frame, report) -> name.equals("modified") ? null : report.go());
            }
            return method.equals("isModified") ? (Object) false : call.go();
        });
        // The load maps each page writeable but clean: only the MMU learns of the store behind it.
        Log log = Log.fresh(100).map(BASE, MANY);
        for (int i = 0; i < MANY; i++) {
            long page = BASE + (long) i * Log.PAGE;
            log.load(page, 8).store(page, 8);
        }
        verifyFound(fault, MISMATCH, log.loadPages(BASE, MANY));
    }

    @Test
    void aShootdownIsSkipped() throws IOException {
        Interposed fault =
                Plant.inMachine((real, method, arguments, call) -> method.startsWith("invalidate") ? null : call.go());
        verifyFound(
                fault,
                MISMATCH,
                Log.fresh(100)
                        .map(BASE, 1)
                        .store(BASE, 8)
                        .unmap(BASE, 1)
                        .map(BASE, 1)
                        .load(BASE, 8));
    }

    @Test
    void aPageIsFreedWhileItIsMapped() throws IOException {
        // An MMU that does not find the mappings of a frame, so that nobody notices in the kernel.
        Interposed fault = Plant.inMmu((real, method, arguments, call) -> switch (method) {
            case "removeAll" -> null;
            case "isMapped" -> false;
            default -> call.go();
        });
        verifyFound(fault, MISMATCH, paging());
    }

    @Test
    void aMappingOutlivesItsUnmapping() throws IOException {
        Interposed fault = Plant.inMmu((real, method, arguments, call) -> switch (method) {
            case "isMapped" -> false;
            case "create" ->
                Plant.before(
                        MmuSpace.class,
                        (MmuSpace) call.go(),
                        (space, name, range, change) -> name.equals("remove") ? null : change.go());
            default -> call.go();
        });
        verifyFound(
                fault,
                MISMATCH,
                Log.fresh(100)
                        .map(BASE, 1)
                        .store(BASE, 8)
                        .unmap(BASE, 1)
                        .map(OTHER, 1)
                        .store(OTHER, 8)
                        .map(BASE, 1)
                        .load(BASE, 8));
    }

    @Test
    void copyOnWriteIsSkipped() throws IOException {
        Interposed fault =
                Plant.inSpaces((real, method, arguments, call) -> method.equals("protect") ? null : call.go());
        verifyFound(
                fault,
                MISMATCH,
                Log.fresh(100).map(BASE, 1).store(BASE, 8).fork(101).store(BASE, 8),
                Log.forked(101, 100).load(BASE, 8));
    }

    @Test
    void aPageIsReadAsItWasBeforeTheFork() throws IOException {
        long[] last = new long[3];
        Interposed fault = Plant.inMemory((real, method, arguments, call) -> {
            if (method.equals("store")) {
                last[0] = (int) arguments[0];
                last[1] = (int) arguments[1];
                last[2] = real.load((int) arguments[0], (int) arguments[1], (int) arguments[2]);
            }
            Object result = call.go();
            if (method.equals("copy") && (int) arguments[0] == last[0]) {
                real.store((int) arguments[1], (int) last[1], 8, last[2]);
            }
            return result;
        });
        verifyFound(
                fault,
                MISMATCH,
                Log.fresh(100)
                        .map(BASE, 1)
                        .store(BASE, 8)
                        .store(BASE, 8)
                        .fork(101)
                        .modify(BASE + 64, 8)
                        .load(BASE, 8),
                Log.forked(101, 100).load(BASE, 8));
    }

    @Test
    void bytesBehindTheEndOfAFileAreNotZeroed() throws IOException {
        Path file = Files.write(folder.resolve("short.bin"), new byte[100]);
        Interposed fault = Plant.inMemory((real, method, arguments, call) -> {
            if (method.equals("zero") && (int) arguments[1] > 0) {
                byte[] junk = new byte[(int) arguments[2]];
                Arrays.fill(junk, (byte) 0xA5);
                real.write((int) arguments[0], (int) arguments[1], junk, 0, junk.length);
                return null;
            }
            return call.go();
        });
        verifyFound(
                fault,
                MISMATCH,
                Log.fresh(100)
                        .open(file.toString(), 3)
                        .mapFile(BASE, 100, Log.READ, Log.PRIVATE, 3, 0)
                        .load(BASE + 96, 4)
                        .load(BASE + 200, 8));
    }

    @Test
    void aStoreToAReadOnlyPageIsLetThrough() throws IOException {
        Interposed fault = Plant.inSpaces((real, method, arguments, call) -> {
            if (method.startsWith("enter")) {
                arguments[2] = (int) arguments[2] | Prot.WRITE;
            }
            return call.go();
        });
        verifyFound(
                fault,
                MISMATCH,
                Log.fresh(100)
                        .open("/no/such/file", 3)
                        .mapFile(BASE, Log.PAGE, Log.RW, Log.PRIVATE, 3, 0)
                        .mapFile(OTHER, Log.PAGE, Log.RW, Log.PRIVATE, 3, 0)
                        .load(BASE, 8)
                        .store(BASE, 8)
                        .load(OTHER, 8));
    }
}
