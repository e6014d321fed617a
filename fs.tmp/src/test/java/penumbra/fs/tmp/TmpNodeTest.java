// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import penumbra.kern.Execution;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileNodeContract;

class TmpNodeTest extends FileNodeContract {
    private final TmpMachine machine = new TmpMachine(400, Execution.THREADED);

    @Override
    protected FileNode open(byte[] contents) throws IOException {
        return machine.files().open(machine.create(contents), true);
    }

    @AfterEach
    void switchOff() {
        machine.close();
    }
}
