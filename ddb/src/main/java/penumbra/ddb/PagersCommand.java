// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.pager.PagerStatus;
import penumbra.pager.Pagers;

/** The pagers and stores that are there, and what each holds. */
@Component(service = PagersCommand.class)
@GogoCommand(scope = "vm", function = "pagers")
public final class PagersCommand {
    private static final String ROW = "%-10s %-12s %7s %9s %10s %9s  %s";

    private final Pagers pagers;

    /** Shows these pagers. */
    @Activate
    public PagersCommand(@Reference Pagers pagers) {
        this.pagers = pagers;
    }

    /** One line for each pager, and for each store of swapped pages. */
    @Descriptor("show the pagers and stores, what they hold and their states")
    public String pagers(String... words) {
        new Arguments("pagers", words).end();
        Answer answer = new Answer();
        answer.line(ROW, "TYPE", "NAME", "RANKING", "OBJECTS", "PAGES", "INFLIGHT", "STATE");
        for (PagerStatus line : pagers.status()) {
            answer.line(
                    ROW,
                    line.type(),
                    line.name(),
                    line.ranking(),
                    line.objects(),
                    line.pages(),
                    line.inFlight(),
                    line.moved() == 0 ? line.state() : line.state() + ", " + line.moved() + " moved");
        }
        return answer.toString();
    }
}
