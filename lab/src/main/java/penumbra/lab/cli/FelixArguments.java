// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.Hashtable;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.FrameworkListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * The arguments of a process whose launcher cannot pass them on, as Felix's own: the framework property
 * {@code vm.arguments}, separated by blanks, with quotes of either kind around an argument that holds blanks.
 *
 * <p>Without that property this component does nothing. With it, it takes the place of a launcher's service when the
 * framework reports that it has started.
 */
@Component(service = {})
public final class FelixArguments implements FrameworkListener {
    private static final String PROPERTY = "vm.arguments";
    private static final Pattern ARGUMENT = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

    private final BundleContext context;

    @Activate
    public FelixArguments(BundleContext context) {
        this.context = context;
        if (property(context) != null) {
            context.addFrameworkListener(this);
        }
    }

    @Deactivate
    public void deactivate() {
        context.removeFrameworkListener(this);
    }

    @Override
    public void frameworkEvent(FrameworkEvent event) {
        String line = property(context);
        if (event.getType() == FrameworkEvent.STARTED && line != null) {
            Hashtable<String, Object> properties = new Hashtable<>();
            properties.put(Job.ARGUMENTS, split(line));
            properties.put(Job.READY, "true");
            context.registerService(Object.class, this, properties);
        }
    }

    /** A system property, given at the command line, goes before what the framework's configuration file says. */
    private static @Nullable String property(BundleContext context) {
        return System.getProperty(PROPERTY, context.getProperty(PROPERTY));
    }

    static String[] split(String line) {
        return ARGUMENT.matcher(line).results().map(FelixArguments::text).toArray(String[]::new);
    }

    private static String text(MatchResult argument) {
        for (int quoting = 1; quoting <= 2; quoting++) {
            if (argument.group(quoting) != null) {
                return argument.group(quoting);
            }
        }
        return argument.group();
    }
}
