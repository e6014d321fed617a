// SPDX-License-Identifier: BSD-2-Clause

/**
 * The object core: what FreeBSD 10.0's {@code vm_object.c} does.
 *
 * <p>{@link penumbra.vm.object.MemoryObject} is an object's state; {@link penumbra.vm.object.ObjectTable} makes
 * objects, lists them and takes them back; each operation that spans more than one object or may sleep is a class of
 * its own, tied together by {@link penumbra.vm.object.ObjectCore}. Two objects are locked shadow before backing object;
 * the lock of an object that nobody else can reach yet may be held while any other is taken.
 */
@NullMarked
package penumbra.vm.object;

import org.jspecify.annotations.NullMarked;
