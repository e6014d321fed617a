// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.jspecify.annotations.Nullable;
import penumbra.object.VmObject;

/** How objects are called at the prompt: the letter o and their number, and the kernel's own by name. */
final class ObjectName {
    static final String LETTER = "o";

    /** FreeBSD's name of the object of wired kernel memory. */
    static final String KERNEL = "kernel_object";

    /** FreeBSD's name of the kernel allocator's object. */
    static final String KMEM = "kmem_object";

    /** The kernel's objects are numbered apart: all others start at 1. */
    static final long KERNEL_ID = 0;

    static final long KMEM_ID = -1;

    private ObjectName() {}

    /** The name of {@code object}; a dash for none. */
    static String of(@Nullable VmObject object) {
        return object == null ? "-" : of(object.id());
    }

    /** The name of the object with this number. */
    static String of(long id) {
        if (id == KERNEL_ID) {
            return KERNEL;
        }
        return id == KMEM_ID ? KMEM : LETTER + id;
    }
}
