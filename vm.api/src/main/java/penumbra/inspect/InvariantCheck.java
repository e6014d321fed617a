// SPDX-License-Identifier: BSD-2-Clause
package penumbra.inspect;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** A set of invariants that can be checked while the machine is at rest; every subsystem registers its own. */
@ConsumerType
public interface InvariantCheck {
    /** What is checked, for messages: {@code "page queues"}. */
    String name();

    /** Checks everything and reports each violation with its values; changes nothing. No lock is held. */
    void check(Violations violations);

    /**
     * Like {@link #check(Violations)}, and checks besides that nothing is referenced, wired, held or busy but by maps,
     * pagers and {@code holders}. Whoever runs the checks knows the holders and passes them.
     */
    default void check(Violations violations, List<Holder> holders) {
        check(violations);
    }
}
