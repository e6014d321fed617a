// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import penumbra.hw.Pmap;
import penumbra.hw.Prot;

/** For each method of an MMU and its spaces, a use of the pmap layer that calls it. */
final class MmuCalls {
    private MmuCalls() {}

    /** Calls {@code method}; {@code page} is mapped at {@code va}. */
    static void call(String method, PmapLayer layer, Pmap pmap, long va, TestPage page) {
        long end = va + 0x1000;
        switch (method) {
            case "create" -> layer.create();
            case "removeAll" -> layer.removeAll(page);
            case "removeWrite" -> layer.removeWrite(page);
            case "isModified" -> layer.isModified(page);
            case "clearModify" -> layer.clearModify(page);
            case "isReferenced" -> layer.isReferenced(page);
            case "testAndClearReferenced" -> layer.testAndClearReferenced(page);
            case "isMapped" -> layer.isMapped(page);
            case "wiredMappings" -> layer.wiredMappings(page);
            case "enter" -> pmap.enter(va, Prot.READ, page, Prot.READ, false);
            case "enterQuick" -> pmap.enterQuick(va, page, Prot.READ);
            case "prefaultable" -> pmap.prefaultable(va);
            case "remove" -> pmap.remove(va, end);
            case "removeUnwired" -> pmap.removePages();
            case "protect" -> pmap.protect(va, end, Prot.READ);
            case "changeWiring" -> pmap.changeWiring(va, true);
            case "advise" -> pmap.advise(va, end, true);
            case "query" -> pmap.extract(va);
            case "residentCount" -> pmap.residentCount();
            case "wiredCount" -> pmap.wiredCount();
            default -> pmap.forEach((at, frame, prot, attributes) -> {});
        }
    }
}
