// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The expected contents of one page. It belongs to a {@link FileContent}, or is private and shared by as many
 * processes as it has users: as long as there are several, nobody may change it.
 */
final class PageBytes {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle USERS;

    static {
        try {
            USERS = MethodHandles.lookup().findVarHandle(PageBytes.class, "users", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A word beyond the page, so that eight bytes can be taken from any offset within it. */
    private static final int PADDING = Long.BYTES;

    /** What all memory is before anything is stored. */
    static final PageBytes ZERO = new PageBytes(true, null);

    final byte[] bytes = new byte[ContentModel.PAGE_SIZE + PADDING];

    @SuppressWarnings("unused") // through the handle
    private int users = 1;

    private final boolean original;
    private final @Nullable FileContent content;

    private PageBytes(boolean original, @Nullable FileContent content) {
        this.original = original;
        this.content = content;
    }

    /** A page of a file, for the file to fill. */
    static PageBytes of(FileContent content) {
        return new PageBytes(true, content);
    }

    /** True if it is what lies under private mappings: a store through one must go to a copy. */
    boolean isOriginal() {
        return original;
    }

    /** True if processes can see each other's stores to it. */
    boolean isShared() {
        return content != null && content.isShared();
    }

    /** A private copy for one user. */
    PageBytes copy() {
        PageBytes copy = new PageBytes(false, null);
        System.arraycopy(bytes, 0, copy.bytes, 0, ContentModel.PAGE_SIZE);
        return copy;
    }

    boolean hasOneUser() {
        return (int) USERS.getAcquire(this) == 1;
    }

    void addUser() {
        USERS.getAndAdd(this, 1);
    }

    /** Takes a user away; true if it was the last. */
    boolean dropUser() {
        return (int) USERS.getAndAdd(this, -1) == 1;
    }

    /** Eight bytes; those beyond the page mean nothing. */
    long word(int offset) {
        return (long) LONGS.get(bytes, offset);
    }

    /** Replaces the bytes under the mask; those beyond the page mean nothing. */
    void store(int offset, long value, long mask) {
        LONGS.set(bytes, offset, word(offset) & ~mask | value & mask);
    }
}
