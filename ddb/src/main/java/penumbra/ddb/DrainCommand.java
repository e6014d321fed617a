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

/** Moves what one store holds to the others, or stops that. */
@Component(service = DrainCommand.class)
@GogoCommand(scope = "vm", function = "drain")
public final class DrainCommand {
    private final SwapSpace swap;

    /** Drains stores of this swap space. */
    @Activate
    public DrainCommand(@Reference SwapSpace swap) {
        this.swap = swap;
    }

    /** Begins a drain, which goes on in the background, or ends it. */
    @Descriptor("move what a store holds to the others in the background, or stop that")
    public String drain(@Descriptor("NAME [cancel]") String... words) {
        Arguments arguments = new Arguments("drain NAME [cancel]", words);
        BackingStore store = arguments.store(swap);
        boolean cancel = arguments.option("cancel");
        arguments.end();
        KernReturn result = cancel ? swap.swapOn(store) : swap.drain(store);
        if (result == KernReturn.RESOURCE_SHORTAGE) {
            throw arguments.bad("there is no other store; swapoff brings the pages to memory");
        }
        if (!result.ok()) {
            throw arguments.bad("store " + store.name() + " is being swapped off");
        }
        return store.name() + (cancel ? ": takes new pages again" : ": draining");
    }
}
