// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;

/** For each method of an MMU and its spaces, a use of the pmap layer that calls it. */
final class MmuCalls {
    private static final long PAGE = 0x1000;
    private static final Map<String, Use> USES = new TreeMap<>();

    static {
        USES.put("create", (layer, pmap, va, page) -> layer.create());
        USES.put("removeAll", (layer, pmap, va, page) -> layer.removeAll(page));
        USES.put("removeWrite", (layer, pmap, va, page) -> layer.removeWrite(page));
        USES.put("isModified", (layer, pmap, va, page) -> layer.isModified(page));
        USES.put("clearModify", (layer, pmap, va, page) -> layer.clearModify(page));
        USES.put("isReferenced", (layer, pmap, va, page) -> layer.isReferenced(page));
        USES.put("testAndClearReferenced", (layer, pmap, va, page) -> layer.testAndClearReferenced(page));
        USES.put("isMapped", (layer, pmap, va, page) -> layer.isMapped(page));
        USES.put("isMappedBy", (layer, pmap, va, page) -> pmap.existsQuick(page));
        USES.put("wiredMappings", (layer, pmap, va, page) -> layer.wiredMappings(page));
        USES.put("enter", (layer, pmap, va, page) -> pmap.enter(va, Prot.READ, page, Prot.READ, false));
        USES.put("enterQuick", (layer, pmap, va, page) -> pmap.enterQuick(va, page, Prot.READ));
        USES.put("largeSize", (layer, pmap, va, page) -> pmap.enterObject(va, List.of(page), Prot.READ));
        USES.put("prefaultable", (layer, pmap, va, page) -> pmap.prefaultable(va, 1));
        USES.put("remove", (layer, pmap, va, page) -> pmap.remove(va, va + PAGE));
        USES.put("removeUnwired", (layer, pmap, va, page) -> pmap.removePages());
        USES.put("protect", (layer, pmap, va, page) -> pmap.protect(va, va + PAGE, Prot.READ));
        USES.put("changeWiring", (layer, pmap, va, page) -> pmap.changeWiring(va, true));
        USES.put("advise", (layer, pmap, va, page) -> pmap.advise(va, va + PAGE, true));
        USES.put("query", (layer, pmap, va, page) -> pmap.extract(va));
        USES.put("hold", (layer, pmap, va, page) -> pmap.extractAndHold(va, Prot.READ));
        USES.put("path", (layer, pmap, va, page) -> pmap.path(va));
        USES.put("residentCount", (layer, pmap, va, page) -> pmap.residentCount());
        USES.put("wiredCount", (layer, pmap, va, page) -> pmap.wiredCount());
        USES.put("forEach", (layer, pmap, va, page) -> pmap.forEach((at, frame, prot, attributes) -> {}));
    }

    private MmuCalls() {}

    @FunctionalInterface
    private interface Use {
        void make(PmapLayer layer, Pmap pmap, long va, TestPage page);
    }

    /** The names of the methods. */
    static Set<String> names() {
        return USES.keySet();
    }

    /** Calls {@code method}; {@code page} is mapped at {@code va}. */
    static void call(String method, PmapLayer layer, Pmap pmap, long va, TestPage page) {
        USES.get(method).make(layer, pmap, va, page);
    }
}
