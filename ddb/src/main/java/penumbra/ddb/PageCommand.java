// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageCounts;
import penumbra.page.PageFlags;
import penumbra.page.PageLimits;
import penumbra.page.PageOwner;
import penumbra.page.Pages;
import penumbra.page.QueueId;
import penumbra.policy.Pageout;

/** One page, or how all pages are used. */
@Component(service = PageCommand.class)
@GogoCommand(
        scope = "ddb",
        function = {"page", "pageq"})
public final class PageCommand {
    private static final BitNames AFLAGS = new BitNames()
            .name(PageFlags.A_WRITEABLE, "WRITEABLE")
            .name(PageFlags.A_REFERENCED, "REFERENCED")
            .name(PageFlags.A_EXECUTABLE, "EXECUTABLE");
    private static final BitNames FLAGS = new BitNames()
            .name(PageFlags.CACHED, "CACHED")
            .name(PageFlags.FREE, "FREE")
            .name(PageFlags.FICTITIOUS, "FICTITIOUS")
            .name(PageFlags.ZERO, "ZERO")
            .name(PageFlags.MARKER, "MARKER")
            .name(PageFlags.WINATCFLS, "WINATCFLS")
            .name(PageFlags.NODUMP, "NODUMP")
            .name(PageFlags.UNHOLDFREE, "UNHOLDFREE");
    private static final BitNames OFLAGS = new BitNames()
            .name(PageFlags.O_SWAPSLEEP, "SWAPSLEEP")
            .name(PageFlags.O_UNMANAGED, "UNMANAGED")
            .name(PageFlags.O_SWAPINPROG, "SWAPINPROG")
            .name(PageFlags.O_NOSYNC, "NOSYNC");

    private final Pages pages;
    private final Pageout pageout;

    /** Shows these pages. */
    @Activate
    public PageCommand(@Reference Pages pages, @Reference Pageout pageout) {
        this.pages = pages;
        this.pageout = pageout;
    }

    /** The fields of the page of a frame; without a frame, the counts of pages and the daemon's thresholds. */
    @Descriptor("show the page of a frame; without a frame, the counts and thresholds")
    public String page(@Descriptor("[FRAME]") String... words) {
        Arguments arguments = new Arguments("page [FRAME]", words);
        if (!arguments.more()) {
            return counts();
        }
        int frame = arguments.number(Integer.MAX_VALUE);
        arguments.end();
        @Nullable Page page = pages.pageOfFrame(frame);
        if (page == null) {
            throw arguments.bad(String.format("frame 0x%x holds no page", frame));
        }
        return fields(page);
    }

    /** How long the free lists and the paging queues are, and how often the page daemon has passed. */
    @Descriptor("show the lengths of the free lists and paging queues")
    public String pageq(String... words) {
        new Arguments("pageq", words).end();
        PageCounts counts = pages.counts();
        Answer answer = new Answer();
        answer.line("free %d, cache %d", counts.free(), counts.cache());
        answer.line(
                "active %d, inactive %d, passes %d, laundered %d, policy %s",
                pages.queue(QueueId.ACTIVE).length(),
                pages.queue(QueueId.INACTIVE).length(),
                pageout.passes(),
                pageout.laundered(),
                pageout.policy());
        return answer.toString();
    }

    private String counts() {
        PageCounts counts = pages.counts();
        PageLimits limits = pages.limits();
        Answer answer = new Answer();
        answer.line(
                "pages %d: free %d, cache %d, active %d, inactive %d, wired %d, deficit %d",
                limits.pageCount(),
                counts.free(),
                counts.cache(),
                counts.active(),
                counts.inactive(),
                counts.wired(),
                counts.deficit());
        answer.line(
                "free_reserved %d, free_severe %d, free_min %d, free_target %d",
                limits.freeReserved(), limits.freeSevere(), limits.freeMin(), limits.freeTarget());
        answer.line(
                "inactive_target %d, interrupt_free_min %d, wakeup %d, pageout_page_count %d",
                limits.inactiveTarget(), limits.interruptFreeMin(), limits.wakeup(), limits.pageoutPageCount());
        return answer.toString();
    }

    private static String fields(Page page) {
        @Nullable PageOwner owner = page.owner();
        if (owner == null) {
            return fields(page, "no owner", "");
        }
        try (Glance glance = Glance.at(owner.lock())) {
            if (page.owner() != owner) {
                return fields(page, "changing hands", "");
            }
            String name = owner instanceof VmObject object ? ObjectName.of(object) : owner.toString();
            return fields(page, String.format("%s index 0x%x", name, page.pindex()), glance.mark());
        }
    }

    private static String fields(Page page, String whose, String mark) {
        Answer answer = new Answer();
        answer.line(
                "page 0x%x: pa 0x%x, %s, queue %s, act %d, hold %d, wire %d, %s%s",
                page.frame(),
                page.physicalAddress(),
                whose,
                page.queue(),
                page.actCount(),
                page.holdCount(),
                page.wireCount(),
                busy(page),
                mark);
        answer.line(
                "  valid 0x%02x, dirty 0x%02x, af 0x%x%s, of 0x%x%s, f 0x%x%s, memattr %d",
                page.valid(),
                page.dirty(),
                page.aflags(),
                AFLAGS.of(page.aflags()),
                page.oflags(),
                OFLAGS.of(page.oflags()),
                page.flags(),
                FLAGS.of(page.flags()),
                page.memattr());
        return answer.toString();
    }

    private static String busy(Page page) {
        String waiters = page.hasBusyWaiters() ? " with waiters" : "";
        if (page.xbusied()) {
            return "exclusive busy" + waiters;
        }
        return page.busied() ? "shared busy " + page.sharedBusy() + waiters : "not busy";
    }
}
