// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Machine;
import penumbra.inspect.CommandFailure;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.page.PageCounts;
import penumbra.page.Pages;
import penumbra.policy.Pageout;

/** A scan of the page daemon by hand ({@code vm_pageout_scan}). */
@Component(service = PageoutCommand.class)
@GogoCommand(scope = "ddb", function = "pageout")
public final class PageoutCommand {
    /** The pass that launders without mercy; later ones do the same. */
    private static final int LAST_PASS = 2;

    private final Machine machine;
    private final Pages pages;
    private final Pageout pageout;

    /** Scans the pages of this machine. */
    @Activate
    public PageoutCommand(@Reference Machine machine, @Reference Pages pages, @Reference Pageout pageout) {
        this.machine = machine;
        this.pages = pages;
        this.pageout = pageout;
    }

    /**
     * Runs one scan on the calling thread and says what became of the counts. Refused once the machine has panicked.
     */
    @Descriptor("run one scan of the page daemon: 0 ages, 1 frees and launders, 2 launders without mercy")
    public String pageout(@Descriptor("PASS: 0, 1 or 2") String... words) {
        Arguments arguments = new Arguments("pageout PASS", words);
        int pass = arguments.number(LAST_PASS);
        arguments.end();
        @Nullable KernelPanic panic = machine.panic();
        if (panic != null) {
            throw new CommandFailure("pageout: the machine is halted: " + panic.getMessage());
        }
        PageCounts counts = pages.counts();
        String before = figures(counts);
        long laundered = pageout.laundered();
        scan(pass);
        return before + "\n" + figures(counts) + ", laundered " + (pageout.laundered() - laundered);
    }

    private void scan(int pass) {
        try {
            pageout.scan(pass);
        } catch (KernelPanic e) {
            machine.halt(e);
            throw new CommandFailure("pageout: panic: " + e.getMessage(), e);
        } catch (WouldBlock e) {
            machine.halt(new KernelPanic(e, "pageout: " + e.getMessage()));
            throw new CommandFailure("pageout: " + e.getMessage(), e);
        }
    }

    private static String figures(PageCounts counts) {
        return "free " + counts.free() + ", cache " + counts.cache() + ", active " + counts.active() + ", inactive "
                + counts.inactive();
    }
}
