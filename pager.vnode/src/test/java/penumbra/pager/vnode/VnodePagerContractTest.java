// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import penumbra.hw.PageSize;
import penumbra.object.VmObject;
import penumbra.pager.Pager;
import penumbra.pager.PagerContract;
import penumbra.vnode.Vnode;

/** The contract of pagers, with a file of the host that ends within its last page. */
class VnodePagerContractTest extends PagerContract {
    private static final int SIZE = PAGES * PageSize.BYTES - 1_000;

    private final byte[] bytes = new byte[SIZE];
    private final FileMachine machine = new FileMachine();
    private Vnode vnode;

    @TempDir
    private Path folder;

    @Override
    protected Pager create() throws IOException {
        new Random(5).nextBytes(bytes);
        Path path = folder.resolve("file");
        Files.write(path, bytes);
        vnode = machine.vnodes.open("host", path.toString(), true);
        return machine.pager;
    }

    @Override
    protected Ground ground() {
        return new Ground(machine.pages, machine.memory(), machine.objects);
    }

    @Override
    protected Object handle() {
        return vnode;
    }

    @Override
    protected byte[] contents(long pindex) {
        int start = (int) PageSize.bytes(pindex);
        return Arrays.copyOf(Arrays.copyOfRange(bytes, start, Math.min(SIZE, start + PageSize.BYTES)), PageSize.BYTES);
    }

    @Override
    protected boolean writes() {
        return true;
    }

    /** A file's object lives as long as its vnode does. */
    @Override
    protected void end(VmObject used) {
        used.deallocate();
        machine.reclaim(vnode);
        vnode.release();
    }

    @Override
    protected void dispose() {
        machine.check();
        machine.close();
    }
}
