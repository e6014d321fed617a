// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.map.MapEntry;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageCounts;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;
import penumbra.page.ResidentPages;
import penumbra.pager.BackingStore;
import penumbra.process.Process;
import penumbra.vnode.Vnode;

/** The state of objects, processes and counters as JSON, key by key as comparisons expect it. */
final class StatePrinter {
    /** What a swap file keeps for itself; the original counts them as available all the same. */
    private static final int UNUSABLE_SLOTS = 2;

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final Session session;
    private final Kernel kernel;

    StatePrinter(Session session) {
        this.session = session;
        this.kernel = session.kernel();
    }

    /** The name of an object in scripts. */
    static String nameOf(VmObject object) {
        return "o" + object.id();
    }

    ObjectNode object(VmObject object) {
        object.lock().lock();
        try {
            ObjectNode node = JSON.objectNode();
            node.put("type", object.type().name().toLowerCase(Locale.ROOT));
            node.put("size", object.size());
            node.put("ref", object.refCount());
            node.put("sc", object.shadowCount());
            @Nullable VmObject backing = object.backing();
            if (backing == null) {
                node.put("bk", 0);
            } else {
                node.put("bk", nameOf(backing));
            }
            node.put("bo", object.backingOffset());
            flags(node.putArray("fl"), object);
            node.put("chg", PageSize.index(object.charge()));
            node.put("cred", object.cred() == null ? 0 : 1);
            node.put("pip", object.pagingInProgress());
            node.put("res", object.pages().count());
            node.put("gen", object.generation());
            ArrayNode shadows = node.putArray("sh");
            for (VmObject s = object.firstShadow(); s != null; s = s.nextSibling()) {
                shadows.add(nameOf(s));
            }
            if (object.type() == ObjectType.VNODE && object.handle() instanceof Vnode vnode) {
                file(node, object, vnode);
            }
            pages(node, object);
            if (object.type() == ObjectType.SWAP) {
                swap(node, object);
            }
            return node;
        } finally {
            object.lock().unlock();
        }
    }

    private static void flags(ArrayNode array, VmObject object) {
        flag(array, object, ObjectFlags.FICTITIOUS, "FICT");
        flag(array, object, ObjectFlags.UNMANAGED, "UNMANAGED");
        flag(array, object, ObjectFlags.DEAD, "DEAD");
        flag(array, object, ObjectFlags.MIGHTBEDIRTY, "MBD");
        flag(array, object, ObjectFlags.ONEMAPPING, "ONEMAP");
        flag(array, object, ObjectFlags.NOSPLIT, "NOSPLIT");
        flag(array, object, ObjectFlags.TMPFS, "TMPFS");
    }

    private static void flag(ArrayNode array, VmObject object, int bit, String name) {
        if (object.has(bit)) {
            array.add(name);
        }
    }

    private void file(ObjectNode node, VmObject object, Vnode vnode) {
        node.putArray("v").add(vnode.useCount()).add(vnode.holdCount());
        node.put("vsz", vnode.size());
        node.put("wm", PageSize.index(vnode.writeMappings()));
        node.put("wc", vnode.writeCount());
        ArrayNode contents = node.putArray("fd");
        @Nullable TaggedFile file = session.file(object);
        if (file != null) {
            for (int page = 0; page < file.pages(); page++) {
                contents.add(Tags.json(file.tags(page)));
            }
        }
    }

    private void pages(ObjectNode node, VmObject object) {
        ResidentPages pages = object.pages();
        ArrayNode resident = node.putArray("pg");
        for (Page page = pages.first(); page != null; page = pages.after(page)) {
            resident.add(page(page));
        }
        if (!pages.cacheEmpty()) {
            ArrayNode cached = node.putArray("cached");
            for (Page p = pages.findLeastCached(0); p != null; p = pages.findLeastCached(p.pindex() + 1)) {
                ObjectNode page = cached.addObject();
                page.put("i", p.pindex());
                page.put("v", p.valid());
                page.set("t", Tags.json(Tags.of(kernel.memory(), p)));
            }
        }
    }

    private ObjectNode page(Page page) {
        ObjectNode node = JSON.objectNode();
        node.put("i", page.pindex());
        node.put("v", page.valid());
        node.put("d", page.dirty());
        node.put("q", queueLetter(page.queue()));
        node.put("w", page.wireCount());
        if (page.holdCount() > 0) {
            node.put("h", page.holdCount());
        }
        if (page.xbusied()) {
            node.put("b", "x1");
        } else if (page.busied()) {
            node.put("b", "s" + page.sharedBusy());
        }
        int aflags = page.aflags();
        String letters = ((aflags & PageFlags.A_WRITEABLE) != 0 ? "W" : "")
                + ((aflags & PageFlags.A_REFERENCED) != 0 ? "R" : "");
        if (!letters.isEmpty()) {
            node.put("af", letters);
        }
        int oflags = page.oflags() & ~PageFlags.O_UNMANAGED;
        if (oflags != 0) {
            node.put("of", oflags);
        }
        if (page.memattr() != MemoryAttribute.WRITE_BACK) {
            node.put("ma", page.memattr());
        }
        if ((page.flags() & PageFlags.WINATCFLS) != 0) {
            node.put("win", 1);
        }
        if (page.queue() != QueueId.NONE) {
            node.put("ac", page.actCount());
        }
        node.set("t", Tags.json(Tags.of(kernel.memory(), page)));
        return node;
    }

    private static String queueLetter(QueueId queue) {
        return switch (queue) {
            case ACTIVE -> "A";
            case INACTIVE -> "I";
            case NONE -> "-";
        };
    }

    private void swap(ObjectNode node, VmObject object) {
        node.put("swb", kernel.swap().blocks(object));
        ArrayNode slots = node.putArray("sw");
        kernel.swap().forEach(object, (pindex, store, slot, version, checksum) -> {
            ObjectNode entry = slots.addObject();
            entry.put("i", pindex);
            entry.put("b", slot);
            entry.set("t", Tags.json(slotTags(store, slot)));
        });
    }

    private static long[] slotTags(BackingStore store, long slot) {
        ByteBuffer page = ByteBuffer.allocateDirect(PageSize.BYTES);
        try {
            store.read(slot, page);
        } catch (IOException e) {
            throw new IllegalStateException("slot " + slot + " of " + store.name() + " cannot be read", e);
        }
        return Tags.of(page.flip());
    }

    ObjectNode process(Process process) {
        ObjectNode node = JSON.objectNode();
        node.put("size", PageSize.index(process.space().size()));
        ArrayNode entries = node.putArray("ent");
        process.space().forEach(entry -> entries.add(entry(entry)));
        ArrayNode mappings = node.putArray("pm");
        process.space().pmap().forEach((page, frame, prot, attributes) -> {
            @Nullable Page mapped = kernel.pages().pageOfFrame(frame);
            ArrayNode mapping = mappings.addArray();
            mapping.add(page);
            if (mapped != null && mapped.owner() instanceof VmObject owner) {
                mapping.add(nameOf(owner)).add(mapped.pindex());
            } else {
                mapping.add(0).add(0);
            }
            mapping.add(prot)
                    .add(bit(attributes, MmuMapping.WIRED))
                    .add(bit(attributes, MmuMapping.ACCESSED))
                    .add(bit(attributes, MmuMapping.MODIFIED));
        });
        return node;
    }

    private static int bit(int bits, int mask) {
        return (bits & mask) != 0 ? 1 : 0;
    }

    private static ObjectNode entry(MapEntry entry) {
        ObjectNode node = JSON.objectNode();
        node.put("s", PageSize.index(entry.start()));
        node.put("e", PageSize.index(entry.end()));
        node.put("p", entry.prot());
        node.put("mp", entry.maxProt());
        node.put("inh", entry.inheritance().ordinal());
        node.put("cow", entry.copyOnWrite() ? 1 : 0);
        node.put("nc", entry.needsCopy() ? 1 : 0);
        node.put("w", entry.wiredCount());
        node.put("bh", entry.behavior().ordinal());
        @Nullable VmObject object = entry.object();
        if (object == null) {
            node.put("o", 0);
        } else {
            node.put("o", nameOf(object));
        }
        node.put("off", entry.offset());
        node.put("cr", entry.cred() == null ? 0 : 1);
        node.put("ra", entry.readAhead());
        node.put("nr", entry.nextRead());
        if (entry.userWired()) {
            node.put("uw", 1);
        }
        if (entry.stackGrowth() >= 0) {
            node.put("gd", PageSize.index(entry.stackGrowth()));
        }
        if (entry.noSync()) {
            node.put("ns", 1);
        }
        if (entry.writeCounted()) {
            node.put("vw", 1);
        }
        return node;
    }

    ObjectNode counters() {
        PageCounts counts = kernel.pages().counts();
        ObjectNode node = JSON.objectNode();
        node.put("free", counts.free());
        node.put("act", counts.active());
        node.put("inact", counts.inactive());
        node.put("cache", counts.cache());
        node.put("wire", counts.wired());
        node.put("coll", kernel.objects().collapses());
        node.put("byp", kernel.objects().bypasses());
        node.put("swres", PageSize.index(kernel.accounting().reserved()));
        node.put("swav", kernel.swap().available() + UNUSABLE_SLOTS);
        return node;
    }
}
