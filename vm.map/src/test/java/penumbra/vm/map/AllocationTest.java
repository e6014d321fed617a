// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import com.sun.management.ThreadMXBean;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.hw.Cpu;
import penumbra.vm.map.Rig.User;

/** A fault that is answered from memory allocates nothing on the Java heap. */
class AllocationTest {
    private static final int PAGES = 512;
    private static final int ROUNDS = 40;

    /**
     * In a JVM of its own: the witness, which is on in tests, remembers where each lock was taken, and that allocates.
     */
    @Test
    void soft() throws Exception {
        String java = System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
        Process run = new ProcessBuilder(
                        List.of(java, "-cp", System.getProperty("java.class.path"), AllocationTest.class.getName()))
                .redirectErrorStream(true)
                .start();
        String printed = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(run.waitFor()).as(printed).isZero();
        assertThat(printed.lines().reduce((first, last) -> last)).contains("bytes 0");
    }

    /** Prints the fewest bytes that a round of soft faults, for reading and writing, allocated. */
    public static void main(String[] none) {
        try (Rig rig = Rig.threaded(1, 4096)) {
            User user = rig.user("a");
            Cpu cpu = user.cpu;
            user.mapPrivate(BASE, PAGES);
            for (int i = 0; i < PAGES; i++) {
                user.write(BASE + i, i);
            }
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < ROUNDS; round++) {
                user.space().pmap().remove(at(BASE), at(BASE + PAGES));
                cpu.enterUser();
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < PAGES; i += 2) {
                    cpu.load(at(BASE + i), Long.BYTES);
                    cpu.store(at(BASE + i + 1), Long.BYTES, i);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                cpu.leaveUser();
            }
            if (user.space().faults().total() < (long) PAGES / 2 * ROUNDS) {
                throw new IllegalStateException("only " + user.space().faults().total() + " faults");
            }
            System.out.println("bytes " + least);
        }
    }
}
