// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.object.ObjectType;
import penumbra.pager.BackingStore;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/**
 * Puts one pager in the place of another, or one store in the place of all others, while programs run. A function of
 * its own, since no method can be called as the command is.
 */
@Component(service = UsePagerCommand.class)
@GogoCommand(scope = "vm", function = "use-pager")
public final class UsePagerCommand implements Function {
    private final Pagers pagers;
    private final SwapSpace swap;

    /** Changes these pagers and stores. */
    @Activate
    public UsePagerCommand(@Reference Pagers pagers, @Reference SwapSpace swap) {
        this.pagers = pagers;
        this.swap = swap;
    }

    /** For swap, NAME is a store: new pages go there at once, and those of the others follow in the background. */
    @Override
    @Descriptor("let another pager fill the objects of a type; for swap, move everything to another store")
    public String execute(CommandSession session, @Descriptor("TYPE NAME") List<Object> words) {
        Arguments arguments = new Arguments(
                "use-pager TYPE NAME", words.stream().map(String::valueOf).toArray(String[]::new));
        String word = arguments.word();
        ObjectType type = type(word).orElseThrow(() -> arguments.bad("there is no type \"" + word + "\""));
        if (type == ObjectType.DEFAULT || type == ObjectType.DEAD) {
            throw arguments.bad("objects of type " + word + " are the kernel's own: their pager is not replaced");
        }
        if (type == ObjectType.SWAP) {
            BackingStore store = arguments.store(swap);
            arguments.end();
            if (!swap.use(store).ok()) {
                throw arguments.bad("store " + store.name() + " takes no pages any more");
            }
            return "swap: new pages go to " + store.name() + ", the others follow";
        }
        String name = arguments.word();
        arguments.end();
        if (!pagers.use(type, name)) {
            throw arguments.bad("there is no pager \"" + name + "\" of type " + word + " that could be used");
        }
        return word + ": " + name;
    }

    private static Optional<ObjectType> type(String word) {
        return Arrays.stream(ObjectType.values())
                .filter(type -> type.name().toLowerCase(Locale.ROOT).equals(word))
                .findFirst();
    }
}
