// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static penumbra.lab.scenario.Session.array;
import static penumbra.lab.scenario.Session.id;
import static penumbra.lab.scenario.Session.number;
import static penumbra.lab.scenario.Session.text;
import static penumbra.lab.scenario.Session.truth;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.pager.PageRun;
import penumbra.vnode.Vnode;

/** The operations on whole objects and their files. Offsets and sizes are in pages. */
final class ObjectOperations {
    private final Session session;

    ObjectOperations(Session session) {
        this.session = session;
    }

    List<Operation> all() {
        return List.of(
                Operation.of("alloc default|swap|phys PAGES [charged]", this::alloc),
                Operation.of("vnode PAGES", a -> id(original(PageSize.bytes(a.count("PAGES")), 0))),
                Operation.of("vnodeb BYTES [HOLEMASK]", a -> id(original(a.count("BYTES"), holeMask(a)))),
                Operation.of("file BYTES [HOLEMASK]", a -> id(file(a.count("BYTES"), holeMask(a)))),
                Operation.of("fread OBJECT OFFSET COUNT", this::read),
                Operation.of("fwrite OBJECT OFFSET BYTE COUNT", this::write),
                Operation.of("ref OBJECT", this::ref),
                Operation.of("dealloc OBJECT", this::dealloc),
                Operation.of(
                        "collapse OBJECT",
                        a -> locked(a, o -> {
                            o.collapse();
                            return 0;
                        })),
                Operation.of(
                        "wd OBJECT",
                        a -> locked(a, o -> {
                            o.setWriteableDirty();
                            return 0;
                        })),
                Operation.of("pip OBJECT DELTA", this::pip),
                Operation.of("onemap OBJECT 0|1", this::oneMapping),
                Operation.of("shadow OBJECT OFFSET LENGTH", this::shadow),
                Operation.of("split OBJECT OFFSET LENGTH", this::split),
                Operation.of("coalesce OBJECT PREVOFFSET PREVSIZE NEXTSIZE RESERVED", this::coalesce),
                Operation.of("madv OBJECT START END willneed|dontneed|free", this::madvise),
                Operation.of("rm OBJECT START END OPTIONS", this::pageRemove),
                Operation.of("cache OBJECT START END", this::pageCache),
                Operation.of("populate OBJECT START END", this::populate),
                Operation.of("clean OBJECT START END FLAGS", this::clean),
                Operation.of("sync OBJECT OFFSET SIZE SYNCIO INVALIDATE", this::sync),
                Operation.of("freespace OBJECT START COUNT", this::freeSpace),
                Operation.of("haspage OBJECT INDEX", this::hasPage),
                Operation.of("fsync OBJECT", this::fsync),
                Operation.of("vfail OBJECT", this::failWrite),
                Operation.of("vshort OBJECT PAGES", this::shortWrite),
                Operation.of("vsetsize OBJECT BYTES", this::setSize),
                Operation.of("vreclaim OBJECT", this::reclaim));
    }

    private JsonNode locked(Arguments arguments, ToLongFunction<VmObject> action) {
        return number(locked(session.object(arguments), action));
    }

    private static long locked(VmObject object, ToLongFunction<VmObject> action) {
        object.lock().lock();
        long result = action.applyAsLong(object);
        object.lock().unlock();
        return result;
    }

    private JsonNode alloc(Arguments a) {
        String type = a.choice("default", "swap", "phys");
        long pages = a.count("PAGES");
        boolean charged = a.optional("charged");
        a.end();
        var kernel = session.kernel();
        long bytes = PageSize.bytes(pages);
        if (charged && !kernel.accounting().reserve(bytes, Session.CRED)) {
            return text("enomem");
        }
        VmObject object =
                switch (type) {
                    case "swap" ->
                        Objects.requireNonNull(
                                kernel.pagers().allocate(ObjectType.SWAP, null, bytes, Prot.ALL, 0, null));
                    case "phys" -> kernel.objects().allocate(ObjectType.PHYS, pages);
                    default -> kernel.objects().allocate(ObjectType.DEFAULT, pages);
                };
        if (charged) {
            locked(object, o -> {
                o.setCharge(Session.CRED, bytes);
                return 0;
            });
        }
        session.holdings().addReference(object, 1);
        return id(object);
    }

    private static long holeMask(Arguments a) {
        return a.more() ? a.number("HOLEMASK") : 0;
    }

    /** A file whose writes are as those of the original's harness. */
    private VmObject original(long bytes, long holeMask) {
        VmObject object = file(bytes, holeMask);
        fileOf(object).setCache(offset -> blockTag(object, offset));
        return object;
    }

    private VmObject file(long bytes, long holeMask) {
        var kernel = session.kernel();
        try {
            TaggedFile file = new TaggedFile(session.nextFile(), bytes, holeMask);
            Vnode vnode = kernel.vnodes().wrap(file);
            session.addFile(vnode, file);
            @Nullable
            VmObject object =
                    kernel.pagers().allocate(ObjectType.VNODE, vnode, PageSize.ceiling(bytes), Prot.ALL, 0, null);
            if (object == null) {
                throw new BadScript("vnode: the vnode pager refused a file of " + bytes + " bytes");
            }
            vnode.release();
            session.holdings().addReference(object, 1);
            return object;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long blockTag(VmObject object, long offset) {
        return locked(object, o -> {
            @Nullable Page page = o.pages().lookup(PageSize.index(offset));
            return page == null
                    ? 0
                    : Tags.of(session.kernel().memory(), page)[(int) (offset & PageSize.MASK) / PageSize.BLOCK];
        });
    }

    private JsonNode ref(Arguments a) {
        VmObject object = session.object(a);
        object.reference();
        session.holdings().addReference(object, 1);
        return number(0);
    }

    private JsonNode dealloc(Arguments a) {
        VmObject object = session.object(a);
        session.holdings().addReference(object, -1);
        object.deallocate();
        return number(0);
    }

    private JsonNode pip(Arguments a) {
        VmObject object = session.object(a);
        int delta = (int) a.number("DELTA");
        session.holdings().addPaging(object, delta);
        return number(locked(object, o -> {
            if (delta >= 0) {
                o.pipAdd(delta);
            } else {
                o.pipWakeup(-delta);
            }
            return 0;
        }));
    }

    private JsonNode oneMapping(Arguments a) {
        VmObject object = session.object(a);
        boolean on = a.flag("0|1");
        return number(locked(object, o -> {
            if (on) {
                o.setFlag(ObjectFlags.ONEMAPPING);
            } else {
                o.clearFlag(ObjectFlags.ONEMAPPING);
            }
            return 0;
        }));
    }

    private JsonNode shadow(Arguments a) {
        VmObject source = session.object(a);
        long offset = a.count("OFFSET");
        VmObject result = session.kernel().objects().shadow(source, offset, a.count("LENGTH"));
        return moved(source, result, offset);
    }

    private JsonNode split(Arguments a) {
        VmObject source = session.object(a);
        long offset = a.count("OFFSET");
        long length = a.count("LENGTH");
        source.lock().lock();
        VmObject result = session.kernel().objects().split(source, offset, length);
        result.lock().unlock();
        return moved(source, result, offset);
    }

    private JsonNode moved(VmObject source, VmObject result, long offset) {
        session.holdings().addReference(source, -1);
        session.holdings().addReference(result, 1);
        return array(id(result), number(result == source ? offset : 0));
    }

    private JsonNode coalesce(Arguments a) {
        VmObject object = session.object(a);
        return truth(
                object.coalesce(a.count("PREVOFFSET"), a.count("PREVSIZE"), a.count("NEXTSIZE"), a.flag("RESERVED")));
    }

    private JsonNode madvise(Arguments a) {
        VmObject object = session.object(a);
        long start = a.count("START");
        long end = a.count("END");
        Advice advice =
                switch (a.choice("willneed", "dontneed", "free")) {
                    case "willneed" -> Advice.WILLNEED;
                    case "dontneed" -> Advice.DONTNEED;
                    default -> Advice.FREE;
                };
        object.madvise(start, end, advice);
        return number(0);
    }

    private JsonNode pageRemove(Arguments a) {
        VmObject object = session.object(a);
        long start = a.count("START");
        long end = a.count("END");
        int options = a.count("OPTIONS");
        return number(locked(object, o -> {
            o.pageRemove(start, end, options);
            return 0;
        }));
    }

    private JsonNode pageCache(Arguments a) {
        VmObject object = session.object(a);
        long start = a.count("START");
        long end = a.count("END");
        return number(locked(object, o -> {
            o.pageCache(start, end);
            return 0;
        }));
    }

    private JsonNode populate(Arguments a) {
        VmObject object = session.object(a);
        long start = a.count("START");
        long end = a.count("END");
        return number(locked(object, o -> o.populate(start, end) ? 1 : 0));
    }

    private JsonNode clean(Arguments a) {
        VmObject object = session.object(a);
        long start = a.count("START");
        long end = a.count("END");
        int flags = a.count("FLAGS");
        return number(locked(object, o -> o.pageClean(start, end, flags) ? 1 : 0));
    }

    private JsonNode sync(Arguments a) {
        VmObject object = session.object(a);
        return truth(object.sync(a.count("OFFSET"), a.count("SIZE"), a.flag("SYNCIO"), a.flag("INVALIDATE")));
    }

    private JsonNode freeSpace(Arguments a) {
        VmObject object = session.object(a);
        long start = a.count("START");
        long count = a.count("COUNT");
        return number(locked(object, o -> {
            if (o.type() == ObjectType.SWAP) {
                session.kernel().swap().freeSpace(o, start, count);
            }
            return 0;
        }));
    }

    private JsonNode hasPage(Arguments a) {
        VmObject object = session.object(a);
        long index = a.count("INDEX");
        long run = locked(object, o -> session.kernel().pagers().hasPage(o, index));
        return PageRun.present(run)
                ? array(number(1), number(PageRun.before(run)), number(PageRun.after(run)))
                : array(number(0));
    }

    private TaggedFile fileOf(VmObject object) {
        @Nullable TaggedFile file = session.file(object);
        if (file != null) {
            return file;
        }
        throw new BadScript(StatePrinter.nameOf(object) + " is no file: expected an object made by vnode or vnodeb");
    }

    private JsonNode read(Arguments a) {
        TaggedFile file = fileOf(session.object(a));
        long offset = a.bytes("OFFSET");
        byte[] bytes = new byte[Session.byteCount(a)];
        int count = file.read(offset, ByteBuffer.wrap(bytes));
        return Session.bytes(Arrays.copyOf(bytes, count));
    }

    private JsonNode write(Arguments a) {
        TaggedFile file = fileOf(session.object(a));
        long offset = a.bytes("OFFSET");
        byte value = (byte) a.count("BYTE");
        byte[] bytes = new byte[Session.byteCount(a)];
        Arrays.fill(bytes, value);
        try {
            return number(file.write(offset, ByteBuffer.wrap(bytes)));
        } catch (IOException e) {
            return text("eio");
        }
    }

    private JsonNode fsync(Arguments a) {
        VmObject object = session.object(a);
        fileOf(object);
        try {
            session.kernel().vnodes().fsync((Vnode) Objects.requireNonNull(object.handle()));
            return number(0);
        } catch (IOException e) {
            return text("eio");
        }
    }

    private JsonNode failWrite(Arguments a) {
        fileOf(session.object(a)).failNextWrite();
        return number(0);
    }

    private JsonNode shortWrite(Arguments a) {
        TaggedFile file = fileOf(session.object(a));
        file.limitNextWrite(a.count("PAGES"));
        return number(0);
    }

    private JsonNode setSize(Arguments a) {
        VmObject object = session.object(a);
        TaggedFile file = fileOf(object);
        long bytes = a.count("BYTES");
        Vnode vnode = (Vnode) Objects.requireNonNull(object.handle());
        file.truncate(bytes);
        vnode.lock().lock();
        session.kernel().vnodeSizes().setSize(vnode, bytes);
        vnode.lock().unlock();
        return number(0);
    }

    private JsonNode reclaim(Arguments a) {
        VmObject object = session.object(a);
        fileOf(object);
        Vnode vnode = (Vnode) Objects.requireNonNull(object.handle());
        vnode.lock().lock();
        session.kernel().vnodes().reclaim(vnode);
        vnode.lock().unlock();
        return number(0);
    }
}
