// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import penumbra.hw.PageSize;
import penumbra.kern.KernelPanic;
import penumbra.page.PageFlags;
import penumbra.page.PageOwner;

/**
 * The part of a page that says what its contents are worth: one valid and one dirty bit for each block of 512 bytes.
 *
 * <p>Both change under the owner's lock, except that the pmap layer may set all dirty bits at any time.
 */
abstract class ContentPage extends BusyPage {
    private static final VarHandle DIRTY;

    static {
        try {
            DIRTY = MethodHandles.lookup().findVarHandle(ContentPage.class, "dirty", byte.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    private byte valid;
    private byte dirty;

    ContentPage(PageSystem system) {
        super(system);
    }

    @Override
    public int valid() {
        return valid & ALL;
    }

    @Override
    public void setValid(int bits) {
        valid = (byte) bits;
    }

    @Override
    public int dirty() {
        return (byte) DIRTY.getOpaque(this) & ALL;
    }

    @Override
    public void makeDirty() {
        DIRTY.setOpaque(this, (byte) ALL);
    }

    @Override
    public void noteModified() {
        makeDirty();
    }

    @Override
    public void undirty() {
        assertOwned();
        DIRTY.setOpaque(this, (byte) 0);
    }

    /** Clears dirty bits while the pmap layer may be setting all of them ({@code vm_page_clear_dirty_mask}). */
    private void clean(int bits) {
        if ((dirty() & bits) != 0) {
            DIRTY.getAndBitwiseAnd(this, (byte) ~bits);
        }
    }

    @Override
    public void testDirty() {
        assertOwned();
        if (dirty() != ALL && system.pmap().isModified(this)) {
            makeDirty();
        }
    }

    /** The bits of all blocks that the range touches; none for an empty range ({@code vm_page_bits}). */
    static int bits(int base, int size) {
        if (base < 0 || size < 0 || base + size > PageSize.BYTES) {
            throw new KernelPanic("vm_page_bits: illegal base/size %d/%d", base, size);
        }
        if (size == 0) {
            return 0;
        }
        int firstBlock = base / PageSize.BLOCK;
        int lastBlock = (base + size - 1) / PageSize.BLOCK;
        return (2 << lastBlock) - (1 << firstBlock);
    }

    @Override
    public boolean isValid(int base, int size) {
        int bits = bits(base, size);
        return valid != 0 && (valid & bits) == bits;
    }

    @Override
    public void setValidRange(int base, int size) {
        assertOwned();
        int bits = bits(base, size);
        zeroEdges(base, size);
        if ((~valid & bits & dirty()) != 0) {
            throw new KernelPanic("vm_page_set_valid_range: page %s is dirty in [%d, %d)", this, base, base + size);
        }
        valid |= (byte) bits;
    }

    @Override
    public void setValidClean(int base, int size) {
        assertOwned();
        int bits = bits(base, size);
        zeroEdges(base, size);
        boolean wasValid = valid() == ALL;
        valid |= (byte) bits;
        if (base == 0 && size == PageSize.BYTES) {
            // Only a page that was fully valid can be mapped. The hardware's bits go first: a mapping that is being
            // removed would otherwise bring them back after the software's were cleared.
            if (wasValid) {
                system.pmap().clearModify(this);
            }
            undirty();
            clearOflags(PageFlags.O_NOSYNC);
        } else {
            clean(bits);
        }
    }

    /** Zeroes the part outside the range of invalid blocks that the range enters. */
    private void zeroEdges(int base, int size) {
        if (size == 0) {
            return;
        }
        int before = base % PageSize.BLOCK;
        if (before != 0 && (valid & bits(base, 1)) == 0) {
            system.pmap().zeroPageArea(this, base - before, before);
        }
        int end = base + size;
        int inside = end % PageSize.BLOCK;
        if (inside != 0 && (valid & bits(end, 1)) == 0) {
            system.pmap().zeroPageArea(this, end, PageSize.BLOCK - inside);
        }
    }

    @Override
    public void clearDirty(int base, int size) {
        assertOwned();
        clean(bits(base, size));
    }

    @Override
    public void setInvalid(int base, int size) {
        assertOwned();
        PageOwner owner = owner();
        boolean toTheEnd = base == 0 && owner != null && owner.endsWithin(pindex(), size);
        int bits = toTheEnd ? ALL : bits(base, size);
        if (bits == 0) {
            return;
        }
        if (valid() == ALL) {
            system.pmap().removeAll(this);
        }
        valid &= (byte) ~bits;
        clean(bits);
    }

    @Override
    public void zeroInvalid(boolean setValid) {
        assertOwned();
        int block = 0;
        while (block < Byte.SIZE) {
            int start = block;
            while (block < Byte.SIZE && (valid & 1 << block) == 0) {
                block++;
            }
            if (block > start) {
                system.pmap().zeroPageArea(this, start * PageSize.BLOCK, (block - start) * PageSize.BLOCK);
            }
            block++;
        }
        if (setValid) {
            valid = (byte) ALL;
        }
    }
}
