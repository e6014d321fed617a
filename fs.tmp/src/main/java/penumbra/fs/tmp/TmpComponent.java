// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.io.IOException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import penumbra.hw.PhysicalMemory;
import penumbra.inspect.Holder;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;

/** The file system in memory as a component; whoever wants just any file system gets the host's. */
@Component(
        name = "penumbra.fs.tmp",
        service = {FileSystem.class, Holder.class},
        property = {
            "service.ranking:Integer=-100",
            "osgi.command.scope=tmp",
            "osgi.command.function=create",
            "osgi.command.function=remove",
            "osgi.command.function=list"
        })
@Designate(ocd = TmpConfig.class)
public final class TmpComponent implements FileSystem, Holder {
    private final TmpFileSystem files;

    /** @param objects not used, but nothing can live in objects when there are none */
    @Activate
    public TmpComponent(
            @Reference PhysicalMemory memory,
            @Reference Pages pages,
            @Reference Pagers pagers,
            @Reference SwapSpace swap,
            @Reference VmObjects objects,
            TmpConfig config) {
        files = new TmpFileSystem(memory, pages, pagers, swap, config.limit_bytes());
    }

    @Modified
    void modified(TmpConfig config) {
        files.setLimit(config.limit_bytes());
    }

    @Deactivate
    void stop() {
        files.close();
    }

    @Override
    public String name() {
        return files.name();
    }

    @Override
    public FileNode open(String path, boolean writable) throws IOException {
        return files.open(path, writable);
    }

    @Override
    public Object identity(String path) throws IOException {
        return files.identity(path);
    }

    @Override
    public int references(VmObject object) {
        return files.references(object);
    }

    /** {@code tmp:create NAME}: an empty file. */
    public void create(String path) throws IOException {
        files.create(path);
    }

    /** {@code tmp:remove NAME} */
    public void remove(String path) throws IOException {
        files.remove(path);
    }

    /** {@code tmp:list}: the names, one a line. */
    public String list() {
        return String.join("\n", files.list());
    }
}
