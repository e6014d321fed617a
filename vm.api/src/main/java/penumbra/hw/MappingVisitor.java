// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.osgi.annotation.versioning.ConsumerType;

/** A reader of mappings, for inspection and for harvesting them when the MMU is changed. */
@ConsumerType
@FunctionalInterface
public interface MappingVisitor {
    /**
     * Sees one mapping. Called under the pmap's lock: it must not call back.
     *
     * @param page the virtual page number
     * @param frame the mapped frame
     * @param prot {@link Prot} bits
     * @param attributes {@link MmuMapping} bits
     */
    void mapping(long page, int frame, int prot, int attributes);
}
