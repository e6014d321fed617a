// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/** The way from a frame to its page ({@code PHYS_TO_VM_PAGE}). */
@ConsumerType
@FunctionalInterface
public interface PageOfFrame {
    /** The page whose contents {@code frame} holds; null when the frame belongs to no page. */
    @Nullable
    PhysicalPage page(int frame);
}
