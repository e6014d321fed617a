// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Pmap;
import penumbra.inspect.CommandFailure;
import penumbra.process.Process;
import penumbra.process.Processes;

/** What the hardware reads on its way from an address to a frame ({@code show pte}). */
@Component(service = PteCommand.class)
@GogoCommand(scope = "ddb", function = "pte")
public final class PteCommand {
    private static final String KERNEL = "kernel";
    private static final String USAGE = "pte PID|kernel ADDRESS";

    private final Processes processes;

    /** Shows the tables of these processes and of the kernel. */
    @Activate
    public PteCommand(@Reference Processes processes) {
        this.processes = processes;
    }

    /** The entries of the translation tables for an address, from the root on. */
    @Descriptor("show the page table entries for an address")
    public String pte(@Descriptor("PID or \"kernel\", then the address") String... words) {
        Arguments arguments = new Arguments(USAGE, words);
        Pmap pmap = pmap(arguments);
        long address = arguments.number();
        arguments.end();
        Answer answer = new Answer();
        @Nullable List<String> lines = lines(pmap, address);
        if (lines == null) {
            answer.line("0x%x: (locked)", address);
        } else if (lines.isEmpty()) {
            answer.line("0x%x: nothing is mapped", address);
        } else {
            lines.forEach(line -> answer.line("%s", line));
        }
        return answer.toString();
    }

    private Pmap pmap(Arguments arguments) {
        String owner = arguments.word();
        if (owner.equals(KERNEL)) {
            return processes.kernelSpace().pmap();
        }
        int pid = new Arguments(USAGE, owner).number(Integer.MAX_VALUE);
        for (Process process : processes.all()) {
            if (process.pid() == pid) {
                return process.space().pmap();
            }
        }
        throw arguments.bad("there is no process " + pid);
    }

    private static @Nullable List<String> lines(Pmap pmap, long address) {
        try {
            return Patience.SHORT.ask(() -> pmap.path(address));
        } catch (ExecutionException e) {
            throw new CommandFailure("the tables cannot be read: " + e.getCause(), e);
        }
    }
}
