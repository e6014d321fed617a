// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.Hashtable;
import org.apache.felix.gogo.jline.Builtin;
import org.apache.felix.gogo.jline.Converters;
import org.apache.felix.gogo.jline.Posix;
import org.apache.felix.gogo.jline.Procedural;
import org.apache.felix.gogo.jline.Shell;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.Converter;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The shell's own commands, for the prompt and for scripts alike. */
@Component(service = ShellCommands.class)
public final class ShellCommands {
    @Activate
    public ShellCommands(BundleContext context, @Reference CommandProcessor processor) {
        // What makes bundles and services of words, for the framework's own commands.
        BundleContext framework =
                context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).getBundleContext();
        context.registerService(Converter.class, new Converters(framework), null);
        offer(context, new Procedural(), "each", "if", "not", "throw", "try", "until", "while", "break", "continue");
        offer(context, new Builtin(), "format", "history", "jobs", "new", "set", "tac", "type");
        offer(
                context,
                new Posix(processor),
                "cat",
                "clear",
                "date",
                "echo",
                "grep",
                "head",
                "less",
                "pwd",
                "sleep",
                "sort",
                "tail",
                "wc");
        Shell shell = new Shell(new ShellContext(context), processor, ShellContext.NO_PROFILE);
        offer(context, shell, "help", "sh", "source");
    }

    private static void offer(BundleContext context, Object provider, String... functions) {
        Hashtable<String, Object> properties = new Hashtable<>();
        properties.put(CommandProcessor.COMMAND_SCOPE, "gogo");
        properties.put(CommandProcessor.COMMAND_FUNCTION, functions);
        context.registerService(Object.class, provider, properties);
    }
}
