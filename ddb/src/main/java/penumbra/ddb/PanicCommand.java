// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Machine;
import penumbra.kern.KernelPanic;

/** Why the machine was halted. */
@Component(service = PanicCommand.class)
@GogoCommand(scope = "ddb", function = "panic")
public final class PanicCommand {
    private final Machine machine;

    /** Asks this machine. */
    @Activate
    public PanicCommand(@Reference Machine machine) {
        this.machine = machine;
    }

    /** The panic with the stacks of those concerned, or that there was none. */
    @Descriptor("show why the machine was halted, with the stack")
    public String panic(String... words) {
        new Arguments("panic", words).end();
        @Nullable KernelPanic panic = machine.panic();
        Answer answer = new Answer();
        if (panic == null) {
            answer.line("the machine has not panicked");
        } else {
            StringWriter stacks = new StringWriter();
            panic.printStackTrace(new PrintWriter(stacks));
            answer.line("panic: %s", panic.getMessage());
            stacks.toString().lines().skip(1).forEach(frame -> answer.line("%s", frame));
        }
        return answer.toString();
    }
}
