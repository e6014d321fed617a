// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

import org.osgi.annotation.versioning.ProviderType;

/** Where pagers get the objects that they fill. */
@ProviderType
public interface ObjectFactory {
    /** Makes an object of {@code pages} pages with one reference, the caller's ({@code vm_object_allocate}). Never DEAD. */
    VmObject allocate(ObjectType type, long pages);
}
