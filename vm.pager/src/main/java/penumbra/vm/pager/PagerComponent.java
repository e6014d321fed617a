// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.Designate;
import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PhysicalMemory;
import penumbra.inspect.CounterSource;
import penumbra.inspect.InvariantCheck;
import penumbra.page.Pages;
import penumbra.pager.BackingStore;
import penumbra.pager.Pager;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/**
 * The pager layer as a component: follows the stores and pagers that come and go, and registers the faces of the layer.
 * They are separate objects (two of them have a method of the same name), so they are registered by hand.
 */
@Component(
        name = "penumbra.vm.pager",
        immediate = true,
        service = {})
@Designate(ocd = PagerConfig.class)
public final class PagerComponent {
    private final PagerLayer layer;
    private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

    /** Wires the layer. */
    @Activate
    public PagerComponent(
            @Reference Machine machine, @Reference PhysicalMemory memory, @Reference Pages pages, PagerConfig config) {
        layer = new PagerLayer(machine, memory, pages);
        layer.accounting().setOvercommit(config.overcommit());
        configure(config);
    }

    /** Registers the faces, with the stores and pagers of the moment in use already. */
    @Activate
    void start(BundleContext context) {
        registrations.add(context.registerService(SwapAccounting.class, layer.accounting(), null));
        registrations.add(context.registerService(SwapSpace.class, layer.swap(), null));
        registrations.add(context.registerService(Pagers.class, layer.pagers(), null));
        registrations.add(context.registerService(CounterSource.class, layer.counters(), null));
        for (InvariantCheck check : layer.checks()) {
            registrations.add(context.registerService(InvariantCheck.class, check, null));
        }
    }

    /** Follows the configuration. */
    @Modified
    void modified(PagerConfig config) {
        layer.accounting().setOvercommit(config.overcommit());
        configure(config);
    }

    private void configure(PagerConfig config) {
        layer.setAsyncWrites(config.swap_async_max());
        layer.setLimits(config.absent_millis(), config.call_millis());
        layer.setLeavingMillis(config.drain_millis());
    }

    @Deactivate
    void stop() {
        for (int i = registrations.size() - 1; i >= 0; i--) {
            registrations.get(i).unregister();
        }
        layer.close();
    }

    @Reference(
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    void bindStore(BackingStore store, Map<String, ?> properties) {
        layer.attach(store, ranking(properties));
    }

    void unbindStore(BackingStore store) {
        layer.detach(store);
    }

    @Reference(
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    void bindPager(Pager pager, Map<String, ?> properties) {
        layer.add(pager, ranking(properties));
    }

    void unbindPager(Pager pager) {
        layer.remove(pager);
    }

    private static int ranking(Map<String, ?> properties) {
        return properties.get(Constants.SERVICE_RANKING) instanceof Integer ranking ? ranking : 0;
    }
}
