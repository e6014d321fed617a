// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.policy.Pageout;

/** The replacement policy of the page daemon. */
@Component(service = PolicyCommand.class)
@GogoCommand(scope = "vm", function = "policy")
public final class PolicyCommand {
    private final Pageout pageout;

    /** Shows and changes the policy of this daemon. */
    @Activate
    public PolicyCommand(@Reference Pageout pageout) {
        this.pageout = pageout;
    }

    /** The name of the policy in use; with a name, uses that one from the next pass on. */
    @Descriptor("show the replacement policy, or use another")
    public String policy(@Descriptor("[NAME]") String... words) {
        Arguments arguments = new Arguments("policy [NAME]", words);
        if (!arguments.more()) {
            return pageout.policy();
        }
        String name = arguments.word();
        arguments.end();
        String before = pageout.policy();
        if (!pageout.usePolicy(name)) {
            throw arguments.bad("there is no policy \"" + name + "\"");
        }
        return before + " -> " + pageout.policy();
    }
}
