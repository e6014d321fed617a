// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.vnode.FileNode;

/** A machine with files in memory. */
final class TmpMachine implements AutoCloseable {
    static final long LIMIT = 8 << 20;

    private final HandMachine machine;
    private final TmpFileSystem files;
    private int made;

    TmpMachine(int pages, Execution execution) {
        machine = new HandMachine(new MachineSettings(pages, 4096, null, 1, execution, Fidelity.CORRECTED, true));
        Kernel kernel = machine.kernel();
        files = new TmpFileSystem(kernel.memory(), kernel.pages(), kernel.pagers(), kernel.swap(), LIMIT);
    }

    Kernel kernel() {
        return machine.kernel();
    }

    TmpFileSystem files() {
        return files;
    }

    /** Makes a file with these contents. */
    String create(byte[] contents) throws IOException {
        String path = "/file" + made++;
        files.create(path);
        FileNode node = files.open(path, true);
        node.write(0, ByteBuffer.wrap(contents));
        node.close();
        return path;
    }

    @Override
    public void close() {
        files.close();
        machine.close();
    }
}
