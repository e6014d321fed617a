// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.lab.model.ProcessModel;
import penumbra.map.MapEntry;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.process.Process;

/** What can be said of an access that went wrong: where it was, through which objects, and what lay there. */
final class Findings {
    /** Longer chains are cut in messages. */
    private static final int CHAIN_SHOWN = 16;

    private final Kernel kernel;

    Findings(Kernel kernel) {
        this.kernel = kernel;
    }

    String mismatch(
            String name, Process process, ProcessModel model, long address, int size, byte[] found, String access) {
        byte[] expected = new byte[size];
        for (int i = 0; i < size; i++) {
            expected[i] = (byte) model.expected(address + i);
        }
        HexFormat hex = HexFormat.ofDelimiter(" ");
        return String.format(
                "content mismatch: %s of %d bytes at %#x (page %#x) by process %s%n  expected %s%n  found    %s%n  %s",
                access,
                size,
                address,
                PageSize.index(address),
                name,
                hex.formatHex(expected),
                hex.formatHex(found, 0, size),
                where(process, address));
    }

    String refused(String name, Process process, MemoryFault fault) {
        return String.format(
                "access to %#x (page %#x, protection %d) by process %s refused: %s%n  %s",
                fault.address(),
                PageSize.index(fault.address()),
                fault.access(),
                name,
                fault.reason(),
                where(process, fault.address()));
    }

    /** The map entry and the chain of objects behind an address, and where its page is in each. */
    private String where(Process process, long address) {
        for (MapEntry entry : process.space().entries()) {
            if (entry.start() <= address && address < entry.end()) {
                return String.format("mapped by %#x-%#x, protection %d", entry.start(), entry.end(), entry.prot())
                        + chain(entry, entry.offset() + PageSize.index(address - entry.start()));
            }
        }
        return "outside of every known mapping";
    }

    private String chain(MapEntry entry, long pindex) {
        StringBuilder text = new StringBuilder();
        long index = pindex;
        @Nullable VmObject object = entry.object();
        for (int depth = 0; object != null && depth < CHAIN_SHOWN; depth++) {
            text.append(String.format(
                    "%n  object %d (%s) page %d: %s", object.id(), object.type(), index, location(object, index)));
            index += object.backingOffset();
            object = object.backing();
        }
        return text.toString();
    }

    private String location(VmObject object, long pindex) {
        boolean mine = object.lock().isHeld() || !object.lock().tryLock();
        try {
            @Nullable Page page = object.pages().lookup(pindex);
            if (page != null) {
                return String.format(
                        "resident in frame %d, valid %#x, dirty %#x", page.frame(), page.valid(), page.dirty());
            }
            if (object.type() == ObjectType.SWAP) {
                String[] slot = {"not resident, not in swap"};
                kernel.swap().forEach(object, (index, store, number, version, checksum) -> {
                    if (index == pindex) {
                        slot[0] = "slot " + number + " of " + store.name() + ", version " + version;
                    }
                });
                return slot[0];
            }
            return "not resident";
        } finally {
            if (!mine) {
                object.lock().unlock();
            }
        }
    }
}
