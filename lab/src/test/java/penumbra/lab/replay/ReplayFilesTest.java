// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.lab.model.ContentModel;
import penumbra.lab.replay.ReplayFiles.OpenFile;
import penumbra.vnode.Vnode;

/** The files of recorded programs: where they come from, and that they go back there. */
class ReplayFilesTest {
    private static final byte[] HOSTS = {1, 2, 3, 4, 5};

    @TempDir
    Path folder;

    private final HandMachine machine =
            new HandMachine(new MachineSettings(256, 256, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true));
    private final Kernel kernel = machine.kernel();
    private Path path;
    private ReplayFiles files;

    @BeforeEach
    void create() throws IOException {
        path = Files.write(folder.resolve("file"), HOSTS);
        files = new ReplayFiles(kernel, new ContentModel(), true, 1);
    }

    @AfterEach
    void switchOff() {
        machine.close();
    }

    private static byte[] read(Vnode vnode) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(HOSTS.length);
        vnode.node().read(0, bytes);
        return bytes.array();
    }

    @Test
    void readsTheHostsFileAndWritesACopy() throws IOException {
        OpenFile file = files.open(path.toString());
        assertThat(read(file.vnode())).isEqualTo(HOSTS);
        file.vnode().node().write(0, ByteBuffer.wrap(new byte[] {9}));
        assertThat(read(file.vnode())).containsExactly(9, 2, 3, 4, 5);
        assertThat(path).hasBinaryContent(HOSTS);
        assertThat(files.open(path.toString())).isSameAs(file);
        files.close();
    }

    @Test
    void afterTheRunNothingIsInUseAndTheVnodesCanBeReclaimed() throws IOException {
        files.open(path.toString());
        files.open(folder.resolve("missing").toString());
        assertThat(kernel.vnodes().all()).hasSize(3);
        files.close();
        for (Vnode vnode : List.copyOf(kernel.vnodes().all())) {
            assertThat(vnode.useCount()).as(vnode.name()).isZero();
            vnode.lock().lock();
            kernel.vnodes().reclaim(vnode);
            vnode.lock().unlock();
        }
        assertThat(kernel.vnodes().all()).isEmpty();
    }
}
