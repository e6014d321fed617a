// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.kern.KernReturn;
import penumbra.pager.BackingStore;
import penumbra.pager.SwapSpace;

/** Takes a store out of use; its pages come back to memory. */
@Component(service = SwapOffCommand.class)
@GogoCommand(scope = "vm", function = "swapoff")
public final class SwapOffCommand {
    private final SwapSpace swap;

    /** Takes away stores of this swap space. */
    @Activate
    public SwapOffCommand(@Reference SwapSpace swap) {
        this.swap = swap;
    }

    /** Blocks until every page is back that can be read. */
    @Descriptor("bring everything in a store back to memory and use it no more")
    public String swapoff(@Descriptor("NAME") String... words) {
        Arguments arguments = new Arguments("swapoff NAME", words);
        BackingStore store = arguments.store(swap);
        arguments.end();
        KernReturn result = swap.swapOff(store);
        return switch (result) {
            case SUCCESS -> store.name() + ": out of use";
            case RESOURCE_SHORTAGE -> throw arguments.bad("memory and the other stores have no room for its pages");
            case FAILURE ->
                throw arguments.bad(
                        "some pages could not be read and stay in " + store.name() + "; the log names them");
            default -> throw arguments.bad("store " + store.name() + " is being swapped off already");
        };
    }
}
