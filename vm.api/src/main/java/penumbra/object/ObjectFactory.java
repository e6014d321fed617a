// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

import org.osgi.annotation.versioning.ProviderType;

/** Where pagers get the objects that they fill. */
@ProviderType
public interface ObjectFactory {
    /**
     * Makes an object of {@code pages} pages with one reference, the caller's ({@code vm_object_allocate}). Never DEAD.
     */
    VmObject allocate(ObjectType type, long pages);

    /**
     * Finds the object of a handle, or makes it; with one more reference, the caller's
     * ({@code vm_pager_object_lookup}). There is one for each type and handle, whichever pager asks, until its pager
     * forgets it: so another pager finds what the one before it left. An object that is there grows to {@code pages} if
     * it is smaller. No object is locked.
     *
     * @param handle compared by {@code equals}
     */
    VmObject named(ObjectType type, Object handle, long pages);
}
