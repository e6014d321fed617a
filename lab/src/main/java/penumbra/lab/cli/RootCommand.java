// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import org.osgi.framework.FrameworkUtil;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** What {@code ./vm --help} says before it lists the commands. */
@Command(
        name = "vm",
        mixinStandardHelpOptions = true,
        versionProvider = RootCommand.Version.class,
        synopsisSubcommandLabel = "[COMMAND]",
        description = {
            "The virtual memory system of FreeBSD 10.0, running in this process.",
            "",
            "Without a command: the kernel debugger's prompt; 'help' lists what it offers.",
            "'vm COMMAND --help' explains a command; the prompt knows the same commands as 'vm COMMAND'."
        },
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:everything held",
            "1:a check failed, or the job was stopped",
            "2:unusable arguments or input",
            "3:the machine panicked"
        },
        footerHeading = "%nEnvironment:%n",
        footer = {
            "  VM_HEAP     heap of the process (default 1g)",
            "  VM_MEMORY   the most memory that a machine may have (default 4g)",
            "  VM_GC       its collector (default -XX:+UseParallelGC)",
            "  VM_OPTS     further options for java"
        })
final class RootCommand {
    /** The version of the bundle that the front door is in. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {
                "Penumbra " + FrameworkUtil.getBundle(RootCommand.class).getVersion()
            };
        }
    }
}
