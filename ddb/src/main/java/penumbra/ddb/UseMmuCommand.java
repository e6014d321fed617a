// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.PmapSystem;

/**
 * Puts one memory management unit in the place of another while programs run. A function of its own, since no method
 * can be called as the command is.
 */
@Component(service = UseMmuCommand.class)
@GogoCommand(scope = "vm", function = "use-mmu")
public final class UseMmuCommand implements Function {
    private final PmapSystem pmaps;

    /** Shows and changes the MMU below {@code pmaps}. */
    @Activate
    public UseMmuCommand(@Reference PmapSystem pmaps) {
        this.pmaps = pmaps;
    }

    /** The MMUs that are there, and which of them serves; with a name, lets that one serve. */
    @Override
    @Descriptor("show the memory management units, or let another serve")
    public String execute(CommandSession session, @Descriptor("[NAME]") List<Object> words) {
        Arguments arguments = new Arguments(
                "use-mmu [NAME]", words.stream().map(String::valueOf).toArray(String[]::new));
        String before = pmaps.mmuName();
        if (!arguments.more()) {
            return String.join(" ", pmaps.mmuNames()) + ": " + before + " serves, " + pmaps.mmuSwitches()
                    + " changes so far";
        }
        String name = arguments.word();
        arguments.end();
        if (!pmaps.useMmu(name)) {
            throw arguments.bad("there is no MMU \"" + name + "\": expected one of " + pmaps.mmuNames());
        }
        return before + " -> " + pmaps.mmuName();
    }
}
