// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import java.util.function.ObjLongConsumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import penumbra.hw.Machine;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.SwapSpace;
import penumbra.policy.PagePolicy;
import penumbra.policy.Pageout;
import penumbra.process.Processes;

/**
 * Wires the page daemon: fixed references to the machine, changing ones to policies. It is there as long as the machine
 * is, whoever else uses it or not.
 */
@Component(
        immediate = true,
        service = {Pageout.class, CounterSource.class},
        configurationPid = "penumbra.vm.pageout")
@Designate(ocd = PageoutComponent.Config.class)
public final class PageoutComponent implements Pageout, CounterSource {
    /** What can be configured. */
    @ObjectClassDefinition(name = "Penumbra page daemon")
    public @interface Config {
        /** The policy in use unless the operator asks for another; the default one serves while it is not there. */
        @AttributeDefinition(description = "Name of the replacement policy")
        String policy() default FreeBsd10Policy.NAME;
    }

    private final PageoutDaemon daemon;

    /** Starts the daemon. */
    @Activate
    public PageoutComponent(
            @Reference Machine machine,
            @Reference Pages pages,
            @Reference PmapSystem pmaps,
            @Reference SwapSpace swap,
            @Reference VmObjects objects,
            @Reference Processes processes,
            Config config) {
        this.daemon = new PageoutDaemon(machine, pages, pmaps, swap, objects, processes);
        daemon.configurePolicy(config.policy());
        daemon.start();
    }

    @Modified
    void modified(Config changed) {
        daemon.configurePolicy(changed.policy());
    }

    @Deactivate
    void deactivate() {
        daemon.stop();
    }

    /** A policy came. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindPolicy(PagePolicy policy) {
        daemon.addPolicy(policy);
    }

    /** A policy goes: waits for its scan. */
    void unbindPolicy(PagePolicy policy) {
        daemon.removePolicy(policy);
    }

    @Override
    public void scan(int pass) {
        daemon.scan(pass);
    }

    @Override
    public void poll() {
        daemon.poll();
    }

    @Override
    public String policy() {
        return daemon.policy();
    }

    @Override
    public boolean usePolicy(String name) {
        return daemon.usePolicy(name);
    }

    @Override
    public long passes() {
        return daemon.passes();
    }

    @Override
    public long laundered() {
        return daemon.laundered();
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        daemon.forEach(visitor);
    }
}
