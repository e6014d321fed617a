// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static penumbra.lab.scenario.Session.number;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import penumbra.kern.KernReturn;
import penumbra.page.PageLimits;
import penumbra.pager.SwapSpace;

/** The operations on the machine as a whole: swap devices, limits, the page daemon. */
final class MachineOperations {
    /** {@code vm.v_cache_min} of 10.x. */
    private static final int CACHE_MIN = 0;

    /** What swapoff answers when memory could not take what is in swap. */
    private static final int ENOMEM = 12;

    private final Session session;
    private final FailingTransfers probe = new FailingTransfers();

    MachineOperations(Session session) {
        this.session = session;
    }

    List<Operation> all() {
        return List.of(
                Operation.of("failw COUNT", a -> failTransfers(a, true)),
                Operation.of("failr COUNT", a -> failTransfers(a, false)),
                Operation.of("swapoff", a -> swapOff()),
                Operation.of("overcommit BITS", this::overcommit),
                Operation.of("pageout PASS", this::pageout),
                Operation.of("limits", a -> limits()));
    }

    private JsonNode failTransfers(Arguments a, boolean writes) {
        probe.fail(writes, a.count("COUNT"));
        session.kernel().swap().setProbe(probe);
        return number(0);
    }

    private JsonNode swapOff() {
        SwapSpace swap = session.kernel().swap();
        if (swap.stores().isEmpty()) {
            throw new BadScript("swapoff: there is no swap device: expected one");
        }
        KernReturn result = swap.swapOff(swap.stores().get(0));
        return number(result.ok() ? 0 : ENOMEM);
    }

    private JsonNode overcommit(Arguments a) {
        session.kernel().accounting().setOvercommit(a.count("BITS"));
        return number(0);
    }

    private JsonNode pageout(Arguments a) {
        session.kernel().pageout().scan(a.count("PASS"));
        return number(0);
    }

    private JsonNode limits() {
        PageLimits limits = session.kernel().pages().limits();
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("page_count", limits.pageCount());
        node.put("free_reserved", limits.freeReserved());
        node.put("free_target", limits.freeTarget());
        node.put("free_min", limits.freeMin());
        node.put("free_severe", limits.freeSevere());
        node.put("cache_min", CACHE_MIN);
        node.put("inactive_target", limits.inactiveTarget());
        node.put("pageout_free_min", PageLimits.PAGEOUT_FREE_MIN);
        node.put("interrupt_free_min", limits.interruptFreeMin());
        node.put("wakeup_thresh", limits.wakeup());
        return node;
    }
}
