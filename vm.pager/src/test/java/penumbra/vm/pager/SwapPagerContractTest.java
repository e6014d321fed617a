// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.BackingStore;
import penumbra.pager.MemoryStore;
import penumbra.pager.Pager;
import penumbra.pager.PagerContract;
import penumbra.pager.PagerResult;
import penumbra.pager.Pagers;

/** The contract of pagers, kept by the swap pager over one store, through the face of all pagers. */
class SwapPagerContractTest extends PagerContract {
    private static final int SLOTS = 300;

    private final TestKernel kernel = TestKernel.threaded(512);
    private final BackingStore store = new MemoryStore(SLOTS);

    @Override
    protected Pager create() {
        kernel.layer.attach(store, 0);
        return new Face(kernel.layer.pagers());
    }

    @Override
    protected Ground ground() {
        return new Ground(kernel.pages, kernel.memory, kernel);
    }

    @Override
    protected @Nullable Object handle() {
        return null;
    }

    @Override
    protected @Nullable Object foreignHandle() {
        return null;
    }

    private static long tag(long pindex) {
        return 0x1234_5678_0000L + pindex;
    }

    @Override
    protected byte[] contents(long pindex) {
        ByteBuffer bytes = ByteBuffer.allocate(PageSize.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            bytes.putLong(tag(pindex));
        }
        return bytes.array();
    }

    @Override
    protected boolean writes() {
        return true;
    }

    /** Anonymous memory has in swap what was paged out. */
    @Override
    protected void prepare(VmObject made) {
        TestObject object = (TestObject) made;
        for (int first = 0; first < PAGES; first += 8) {
            for (int i = 0; i < 8; i++) {
                kernel.fill(object, first + i, tag(first + i));
            }
            kernel.flushAll(object, first, 8);
        }
        for (int pindex = 0; pindex < PAGES; pindex++) {
            kernel.evict(object, pindex);
        }
    }

    @Override
    protected void dispose() {
        kernel.check();
        kernel.close();
    }

    /** The pagers of one type, whichever they are, as one pager. */
    private record Face(Pagers pagers) implements Pager {
        @Override
        public ObjectType type() {
            return ObjectType.SWAP;
        }

        @Override
        public String name() {
            return "swap";
        }

        @Override
        public @Nullable VmObject allocate(
                ObjectFactory objects,
                @Nullable Object handle,
                long bytes,
                int prot,
                long offset,
                @Nullable Cred cred) {
            return pagers.allocate(type(), handle, bytes, prot, offset, cred);
        }

        @Override
        public void deallocate(VmObject object) {
            pagers.deallocate(object);
        }

        @Override
        public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
            return pagers.getPages(object, pages, count, requested);
        }

        @Override
        public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
            pagers.putPages(object, pages, count, flags, results);
        }

        @Override
        public long hasPage(VmObject object, long pindex) {
            return pagers.hasPage(object, pindex);
        }
    }
}
