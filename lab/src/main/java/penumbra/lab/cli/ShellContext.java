// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import org.apache.felix.gogo.jline.Shell;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/**
 * What the shell asks of its surroundings.
 *
 * @param context the bundle whose framework properties it sees
 */
record ShellContext(BundleContext context) implements Shell.Context {
    /** A start-up script that does not exist: sessions are set up here, the same in every directory. */
    static final String NO_PROFILE = "none";

    @Override
    public @Nullable String getProperty(String name) {
        return context.getProperty(name);
    }

    /** Ends the framework's run; never used, because the prompt ends before the process does. */
    @Override
    public void exit() throws Exception {
        context.getBundle(0).stop();
    }
}
