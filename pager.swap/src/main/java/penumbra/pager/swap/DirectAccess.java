// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.nio.file.OpenOption;

/** The option that opens a file past the host's page cache ({@code O_DIRECT}). */
final class DirectAccess {
    /** In a module that not every JDK need have, and in a package that a framework need not show. */
    private static final String OPTIONS = "com.sun.nio.file.ExtendedOpenOption";

    private static final String DIRECT = "DIRECT";

    private DirectAccess() {}

    /**
     * The option.
     *
     * @throws UnsupportedOperationException when this JDK has none
     */
    static OpenOption option() {
        try {
            for (Object each : Class.forName(OPTIONS, true, ClassLoader.getPlatformClassLoader())
                    .getEnumConstants()) {
                if (each instanceof OpenOption option && each.toString().equals(DIRECT)) {
                    return option;
                }
            }
        } catch (ClassNotFoundException e) {
            throw new UnsupportedOperationException("this JDK has no " + OPTIONS, e);
        }
        throw new UnsupportedOperationException("this JDK has no " + OPTIONS + "." + DIRECT);
    }
}
