// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TraceFormatTest {
    private static final List<Entry> ENTRIES = List.of(
            new Call.Mmap(0, 4096, 3, 34, -1, 0, 0x7f00_0000_0000L, null),
            new Call.Munmap(0x1000, 1),
            new Call.Mprotect(0x1000, 4097, 5),
            new Call.Mremap(0x1000, 1, 2, 3, 0x9000, 0x9000),
            new Call.Brk(0, 0x4035000),
            new Call.Madvise(0x1000, 4096, 4),
            new Call.Msync(0x1000, 4096, 4),
            new Call.Mincore(0x1000, 4096),
            new Call.Mlock(0x1000, 4096),
            new Call.Munlock(0x1000, 4096),
            new Call.Fork(77, 0x4111, null),
            new Call.ThreadStart(78, 0x3d0f00),
            new Call.Exec("ls /etc"),
            new Call.KernelWrite(0x1000, 832),
            new Call.OtherMemoryCall(30, "sys_shmat", " 0, 0x0, 0 ", 0x483e000),
            new DescriptorChange.Open(3, DescriptorChange.WORKING_DIRECTORY, "/tmp/\u00e4 \n(x)", true),
            new DescriptorChange.Close(3, Integer.MAX_VALUE),
            new DescriptorChange.Duplicate(3, 4, true),
            new DescriptorChange.CloseOnExec(3, false),
            new DescriptorChange.ChangeDirectory(7, ""));

    private final List<String> expected = new ArrayList<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Test
    void everyEntryComesBack() throws IOException {
        try (ByteWriter out = new ByteWriter(bytes)) {
            for (Entry entry : ENTRIES) {
                EntryCodec.write(entry, out);
            }
        }
        try (ByteReader in = new ByteReader("test", new ByteArrayInputStream(bytes.toByteArray()))) {
            for (Entry entry : ENTRIES) {
                assertThat(EntryCodec.read(in)).isEqualTo(entry);
            }
        }
    }

    @Test
    void everyReferenceAndCallComesBackInOrder() throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        write(new Random(seed), 60_000);

        assertThat(read(bytes.toByteArray())).isEqualTo(expected);
    }

    @Test
    void repeatedWorkTakesLittleRoom() throws IOException {
        try (ByteWriter out = new ByteWriter(bytes)) {
            TraceWriter writer = new TraceWriter(out);
            for (int i = 0; i < 1000; i++) {
                long[] loop = {
                    Reference.pack(Reference.FETCH, 0x40_1000, 4),
                    Reference.pack(Reference.LOAD, 0x7000_0000, 8),
                    Reference.pack(Reference.FETCH, 0x40_1004, 2)
                };
                writer.references(loop, loop.length);
            }
            writer.end();
        }
        assertThat(bytes.size()).isLessThan(3050);
    }

    @Test
    void damageIsNoticedOrHarmless() throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        write(random, 2_000);
        byte[] whole = bytes.toByteArray();
        int refused = 0;
        for (int round = 0; round < 3_000; round++) {
            byte[] damaged =
                    java.util.Arrays.copyOf(whole, random.nextBoolean() ? whole.length : random.nextInt(whole.length));
            if (damaged.length > 0) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try {
                read(damaged);
            } catch (BadInput e) {
                assertThat(e.getMessage())
                        .startsWith("test: damaged recording, ")
                        .doesNotContain("\n");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    private void write(Random random, int steps) throws IOException {
        long[] pool = new long[200];
        for (int i = 0; i < pool.length; i++) {
            pool[i] = Math.min(
                    random.nextLong() >>> 17 + random.nextInt(30), Reference.ADDRESS_LIMIT - Reference.MAX_SIZE);
        }
        try (ByteWriter out = new ByteWriter(bytes)) {
            TraceWriter writer = new TraceWriter(out);
            for (int i = 0; i < steps; i++) {
                if (random.nextInt(500) == 0) {
                    Entry entry = ENTRIES.get(random.nextInt(ENTRIES.size()));
                    writer.entry(entry);
                    if (entry instanceof Call) {
                        expected.add(entry.toString());
                    }
                } else {
                    int size =
                            random.nextInt(20) == 0 ? 1 + random.nextInt(Reference.MAX_SIZE) : 1 + random.nextInt(16);
                    long address = pool[random.nextInt(pool.length)] + random.nextInt(16);
                    address = Math.min(address, Reference.ADDRESS_LIMIT - size);
                    long reference = Reference.pack(random.nextInt(4), address, size);
                    writer.references(new long[] {reference}, 1);
                    expected.add(Logs.text(reference));
                }
            }
            writer.end();
        }
    }

    private static List<String> read(byte[] encoded) throws IOException {
        List<String> found = new ArrayList<>();
        long[] room = new long[777];
        try (TraceReader reader = new TraceReader(
                new ByteReader("test", new ByteArrayInputStream(encoded)), new Descriptors(), (pid, open) -> null)) {
            while (!reader.ended()) {
                int count = reader.references(room);
                for (int i = 0; i < count; i++) {
                    found.add(Logs.text(room[i]));
                }
                if (reader.call() != null) {
                    found.add(String.valueOf(reader.call()));
                }
            }
        }
        return found;
    }
}
