// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import penumbra.kern.KernelPanic;
import penumbra.page.Page;
import penumbra.page.PageFlags;

/** Valid and dirty bits, against a model that keeps one boolean a block and one byte a byte. */
class PageContentsTest {
    private static final int SIZE = 4096;
    private static final int BLOCK = 512;

    private Fixture f;
    private TestOwner owner;
    private Page page;

    @BeforeEach
    void boot() {
        f = Fixture.stepped(1024);
        owner = f.lockedOwner("owner");
        page = f.pages.alloc(owner, 2, 0);
        page.xunbusy();
    }

    private void fill(int value) {
        byte[] bytes = new byte[SIZE];
        Arrays.fill(bytes, (byte) value);
        f.memory.write(page.frame(), 0, bytes, 0, SIZE);
    }

    private byte[] bytes() {
        byte[] bytes = new byte[SIZE];
        f.memory.read(page.frame(), 0, bytes, 0, SIZE);
        return bytes;
    }

    @AfterEach
    void unlock() {
        f.close();
    }

    @Test
    void aRangeTouchesTheBlocksItEnters() {
        assertThat(VmPage.bits(0, 0)).isZero();
        assertThat(VmPage.bits(4096, 0)).isZero();
        assertThat(VmPage.bits(0, 1)).isEqualTo(0x01);
        assertThat(VmPage.bits(511, 2)).isEqualTo(0x03);
        assertThat(VmPage.bits(512, 512)).isEqualTo(0x02);
        assertThat(VmPage.bits(0, 4096)).isEqualTo(0xff);
        assertThat(VmPage.bits(3584, 512)).isEqualTo(0x80);
        assertThatThrownBy(() -> VmPage.bits(1, 4096)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void anEmptyRangeIsValidIfAnyBlockIs() {
        assertThat(page.isValid(0, 0)).isFalse();
        page.setValid(0x10);
        assertThat(page.isValid(0, 0)).isTrue();
        assertThat(page.isValid(2048, 512)).isTrue();
        assertThat(page.isValid(2048, 513)).isFalse();
    }

    @Test
    void validatingOverADirtyInvalidBlockPanics() {
        page.makeDirty();
        assertThatThrownBy(() -> page.setValidRange(0, 10)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void followsAModelOfBlocks() {
        long seed = System.nanoTime();
        System.out.println("contents seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 3_000; round++) {
            int valid = random.nextInt(4) == 0 ? 0xff : random.nextInt(256);
            int dirty = random.nextInt(256) & valid;
            page.setValid(valid);
            page.undirty();
            page.setOflags(PageFlags.O_NOSYNC);
            if (dirty != 0) {
                page.makeDirty();
                for (int b = 0; b < 8; b++) {
                    if ((dirty & 1 << b) == 0) {
                        page.clearDirty(b * BLOCK, BLOCK);
                    }
                }
            }
            assertThat(page.dirty()).isEqualTo(dirty);
            fill(0xAA);
            boolean mapped = valid == 0xff && random.nextBoolean();
            if (mapped) {
                f.pmap.map(page, true).modified = true;
            }
            int base = random.nextInt(SIZE);
            int size = random.nextInt(8) == 0 ? SIZE - base : random.nextInt(SIZE - base + 1);
            if (random.nextInt(6) == 0) {
                base = 0;
                size = SIZE;
            }
            step(random.nextInt(4), valid, dirty, base, size, mapped);
            f.pmap.removeAll(page);
        }
    }

    private void step(int what, int valid, int dirty, int base, int size, boolean mapped) {
        int touched = 0;
        for (int at = base; at < base + size; at++) {
            touched |= 1 << at / BLOCK;
        }
        byte[] expected = new byte[SIZE];
        Arrays.fill(expected, (byte) 0xAA);
        boolean whole = base == 0 && size == SIZE;
        switch (what) {
            case 0:
                page.setValidRange(base, size);
                zeroEdges(expected, valid, touched, base, size);
                assertThat(page.valid()).isEqualTo(valid | touched);
                assertThat(page.dirty()).isEqualTo(dirty);
                break;
            case 1:
                page.setValidClean(base, size);
                zeroEdges(expected, valid, touched, base, size);
                assertThat(page.valid()).isEqualTo(valid | touched);
                assertThat(page.dirty()).isEqualTo(whole ? 0 : dirty & ~touched);
                assertThat((page.oflags() & PageFlags.O_NOSYNC) != 0).isEqualTo(!whole);
                assertThat(f.pmap.isModified(page)).isEqualTo(mapped && !whole);
                break;
            case 2:
                page.setInvalid(base, size);
                boolean lost = mapped && touched != 0;
                assertThat(page.valid()).isEqualTo(valid & ~touched);
                assertThat(page.dirty()).isEqualTo((lost ? 0xff : dirty) & ~touched);
                assertThat(f.pmap.isMapped(page)).isEqualTo(mapped && !lost);
                break;
            default:
                page.zeroInvalid(size % 2 == 0);
                for (int at = 0; at < SIZE; at++) {
                    if ((valid & 1 << at / BLOCK) == 0) {
                        expected[at] = 0;
                    }
                }
                assertThat(page.valid()).isEqualTo(size % 2 == 0 ? 0xff : valid);
                break;
        }
        assertThat(bytes()).isEqualTo(expected);
    }

    private static void zeroEdges(byte[] expected, int valid, int touched, int base, int size) {
        for (int at = 0; at < SIZE; at++) {
            boolean inside = at >= base && at < base + size;
            if (!inside && (touched & ~valid & 1 << at / BLOCK) != 0) {
                expected[at] = 0;
            }
        }
    }

    @Test
    void invalidatingUpToTheEndOfAFileTakesTheWholePage() {
        owner.end = 2 * SIZE + 700;
        page.setValid(Page.ALL);
        page.setInvalid(0, 600);
        assertThat(page.valid()).isEqualTo(0xfc);
        page.setValid(Page.ALL);
        page.setInvalid(0, 700);
        assertThat(page.valid()).isZero();
        page.setValid(Page.ALL);
        page.setInvalid(512, SIZE - 512);
        assertThat(page.valid()).isEqualTo(0x01);
    }

    @Test
    void takesOverWhatTheHardwareKnows() {
        page.setValid(Page.ALL);
        page.testDirty();
        assertThat(page.dirty()).isZero();
        f.pmap.map(page, true).modified = true;
        page.testDirty();
        assertThat(page.dirty()).isEqualTo(Page.ALL);
    }
}
