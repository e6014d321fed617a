// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.Arrays;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuSpace;

/** Mappings as they were when they were visited. */
final class MappingList implements MappingVisitor {
    private static final int FIRST_SIZE = 16;

    private long[] pages = new long[FIRST_SIZE];
    private int[] frames = new int[FIRST_SIZE];
    private byte[] rights = new byte[FIRST_SIZE];
    private byte[] attributes = new byte[FIRST_SIZE];
    private int size;

    /** No mapping. */
    MappingList() {}

    @Override
    public void mapping(long page, int frame, int prot, int bits) {
        if (size == pages.length) {
            int larger = 2 * size;
            pages = Arrays.copyOf(pages, larger);
            frames = Arrays.copyOf(frames, larger);
            rights = Arrays.copyOf(rights, larger);
            attributes = Arrays.copyOf(attributes, larger);
        }
        pages[size] = page;
        frames[size] = frame;
        rights[size] = (byte) prot;
        attributes[size] = (byte) bits;
        size++;
    }

    /** Shows them in the order in which they came. */
    void forEach(MappingVisitor visitor) {
        for (int i = 0; i < size; i++) {
            visitor.mapping(pages[i], frames[i], rights[i], attributes[i]);
        }
    }

    /** Makes all of them in {@code space}; false when there is no room for its tables. */
    boolean enter(MmuSpace space) {
        for (int i = 0; i < size; i++) {
            if (!space.enter(pages[i], frames[i], rights[i], attributes[i])) {
                return false;
            }
        }
        return true;
    }
}
