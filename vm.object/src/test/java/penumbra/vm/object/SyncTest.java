// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Page;
import penumbra.pager.FilePager.Put;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;
import penumbra.vnode.HeapFile;
import penumbra.vnode.Vnode;

/** vm_object_sync. */
class SyncTest {
    private final Rig rig = Rig.stepped(Fidelity.CORRECTED);
    private final HeapFile contents = new HeapFile(10);
    private Vnode file;
    private MemoryObject object;

    @BeforeEach
    void openFile() {
        file = rig.file(contents);
        object = rig.fileObject(file);
    }

    @AfterEach
    void powerOff() {
        rig.close();
    }

    @Test
    void allOfAFileIsWrittenWithoutWaitingAndThenMadeDurable() {
        rig.fill(object, 1, 11);

        assertThat(object.sync(0, 10, true, false)).isTrue();

        assertThat(rig.files.puts).containsExactly(new Put(1, 1, PagerFlags.CLUSTER_OK));
        assertThat(contents.fsyncs).isEqualTo(1);
        assertThat(file.lock().isHeld()).isFalse();
        assertThat(object.lock().isHeld()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0, 9, true, 1", "1, 9, true, 1", "0, 10, false, 8", "0, 9, false, 8"})
    void partOfAFileIsWrittenAsAsked(long offset, long size, boolean syncIo, int pagerFlags) {
        rig.fill(object, 1, 11);

        object.sync(offset, size, syncIo, false);

        assertThat(rig.files.puts).containsExactly(new Put(1, 1, pagerFlags));
        assertThat(contents.fsyncs).isZero();
    }

    @Test
    void invalidationWritesAndForgets() {
        rig.fill(object, 1, 11);
        rig.fill(object, 2, 12, false);
        rig.fill(object, 9, 19, false);

        assertThat(object.sync(0, 9, true, true)).isTrue();

        assertThat(rig.files.puts).containsExactly(new Put(1, 1, PagerFlags.PUT_SYNC | PagerFlags.PUT_INVAL));
        assertThat(rig.contents(object)).containsExactly("9=19");
    }

    @Test
    void invalidationSparesWiredPages() {
        Page page = rig.fill(object, 1, 11, false);
        Pmap pmap = rig.pmaps.create();
        rig.locked(object, () -> {
            page.wire();
            pmap.enter(PageSize.bytes(256), Prot.READ, page, Prot.READ, true);
        });

        object.sync(0, 10, true, true);

        assertThat(rig.contents(object)).containsExactly("1=11");
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 0"})
    void oldMsyncThrowsUnwrittenChangesAway(boolean oldMsync, int left) {
        rig.core.setOldMsync(oldMsync);
        rig.fill(object, 1, 11);
        rig.files.answers.add(PagerResult.ERROR);

        assertThat(object.sync(0, 9, true, true)).isFalse();

        assertThat(object.pages().count()).isEqualTo(left);
    }

    @Test
    void theFileIsFoundAtTheEndOfTheChain() {
        MemoryObject middle = rig.shadowOf(object, 2, 20);
        MemoryObject top = rig.shadowOf(middle, 3, 17);
        rig.fill(object, 5, 15);
        rig.fill(object, 8, 18);
        rig.fill(top, 0, 99);

        assertThat(top.sync(0, 2, true, false)).isTrue();
        assertThat(rig.files.puts).containsExactly(new Put(5, 1, PagerFlags.PUT_SYNC));

        assertThat(top.sync(0, 17, true, false)).isTrue();
        assertThat(rig.files.puts).hasSize(2);
        assertThat(rig.lookup(object, 8).dirty()).isZero();
    }

    @Test
    void whatLiesBehindTheEndOfTheFileIsNothing() {
        MemoryObject top = rig.shadowOf(object, 0, 20);
        rig.fill(object, 5, 15);

        assertThat(top.sync(10, 5, true, true)).isTrue();

        assertThat(rig.files.puts).isEmpty();
        assertThat(rig.contents(object)).containsExactly("5=15");
    }

    @Test
    void memoryHasNothingToSync() {
        MemoryObject memory = rig.anonymous(4);
        rig.fill(memory, 0, 1);

        assertThat(memory.sync(0, 4, true, true)).isTrue();
        assertThat(rig.contents(memory)).containsExactly("0=1");
    }

    @Test
    void defect18AFailedWriteReachesTheCaller() {
        rig.fill(object, 1, 11);
        rig.files.answers.add(PagerResult.ERROR);

        assertThat(object.sync(0, 10, true, false)).isFalse();

        assertThat(rig.lookup(object, 1).dirty()).isEqualTo(Page.ALL);
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    @Test
    void aFailedFsyncReachesTheCaller() {
        rig.fill(object, 1, 11);
        contents.fsyncFails = true;

        assertThat(object.sync(0, 10, true, false)).isFalse();

        contents.fsyncFails = false;
        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
        assertThat(object.sync(0, 10, true, false)).isFalse();
        assertThat(object.sync(0, 10, false, false)).isTrue();
    }

    @Test
    void deviceMemoryIsInvalidatedWithoutItsMappings() {
        MemoryObject device = rig.object(ObjectType.DEVICE, 4);
        device.lock().lock();
        Page page = rig.pages.newFictitious(1 << 20, 0);
        assertThat(rig.pages.insert(page, device, 1)).isTrue();
        page.setValid(Page.ALL);
        page.xunbusy();
        device.lock().unlock();

        assertThat(device.sync(0, 4, true, true)).isTrue();

        assertThat(rig.contents(device)).isEqualTo(List.of("1=invalid"));
    }
}
