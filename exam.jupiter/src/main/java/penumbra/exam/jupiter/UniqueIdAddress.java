// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import org.ops4j.pax.exam.TestAddress;

/**
 * One test of a probe, named by its Jupiter unique id.
 *
 * @param root the address under which the probe as a whole is registered
 * @param uniqueId the id of a test, of one invocation of a test template, or of a test factory
 */
record UniqueIdAddress(TestAddress root, String uniqueId) implements TestAddress {
    @Override
    public String identifier() {
        return root.identifier();
    }

    @Override
    public String caption() {
        return uniqueId;
    }

    @Override
    public Object[] arguments() {
        return new Object[] {uniqueId};
    }
}
