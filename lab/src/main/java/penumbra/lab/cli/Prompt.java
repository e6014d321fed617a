// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.felix.gogo.jline.Shell;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jline.reader.LineReader;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** The kernel debugger's prompt on the terminal of this process. */
@Component(service = Prompt.class)
@GogoCommand(
        scope = "vm",
        function = {"exit", "quit"})
public final class Prompt {
    private static final String WELCOME = "Penumbra. 'help' lists the commands, 'exit' or Ctrl-D leaves.";

    private final CommandProcessor processor;
    private final Shell shell;
    private @Nullable Terminal terminal;

    /** The shell's own commands are a reference so that the prompt finds them. */
    @Activate
    public Prompt(BundleContext context, @Reference CommandProcessor processor, @Reference ShellCommands commands) {
        this.processor = processor;
        this.shell = new Shell(new ShellContext(context), processor, ShellContext.NO_PROFILE);
    }

    /** Reads and runs commands until the user leaves or the input ends; returns the {@link ExitStatus}. */
    int run() {
        try (Terminal terminal = open();
                CommandSession session =
                        processor.createSession(terminal.input(), terminal.output(), terminal.output())) {
            session.put(Shell.VAR_TERMINAL, terminal);
            session.put("prompt", "vm> ");
            session.put("secondary-prompt-pattern", "%M%P > ");
            session.put(LineReader.HISTORY_FILE, Path.of(System.getProperty("user.home"), ".penumbra_history"));
            terminal.writer().println(WELCOME);
            terminal.flush();
            shell.gosh(session, new String[] {"--login", "--noshutdown", "--nohistory"});
            return ExitStatus.OK;
        } catch (Exception e) {
            System.err.println("vm: the prompt failed: " + e);
            return ExitStatus.FAILED;
        }
    }

    /** Leaves the prompt after the current command. */
    @Descriptor("leave the prompt and stop the system")
    public void exit() {
        shell.stop();
    }

    /** As {@link #exit}. */
    @Descriptor("leave the prompt and stop the system")
    public void quit() {
        exit();
    }

    /** Makes a prompt that waits for input end. */
    @Deactivate
    public void deactivate() throws IOException {
        shell.stop();
        Terminal open;
        synchronized (this) {
            open = terminal;
        }
        if (open != null) {
            open.close();
        }
    }

    private synchronized Terminal open() throws IOException {
        Terminal opened = TerminalBuilder.builder()
                .name("vm")
                .system(true)
                .dumb(true)
                .nativeSignals(true)
                .signalHandler(Terminal.SignalHandler.SIG_IGN)
                .build();
        terminal = opened;
        return opened;
    }
}
