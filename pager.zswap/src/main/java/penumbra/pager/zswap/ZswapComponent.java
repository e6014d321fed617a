// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.IOException;
import java.util.function.ObjLongConsumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.PhysicalMemory;
import penumbra.inspect.CounterSource;
import penumbra.pager.BackingStore;
import penumbra.pager.ForwardingStore;

/**
 * The compressed store as a component. It is there only if it is configured, and then it takes pages before swap files
 * do, which get those that it has no room for; an operator may rank it otherwise by {@code service.ranking}.
 */
@Component(
        name = "penumbra.pager.zswap",
        service = {BackingStore.class, CounterSource.class},
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        property = "service.ranking:Integer=100")
@Designate(ocd = ZswapConfig.class)
public final class ZswapComponent extends ForwardingStore<ZswapStore> implements CounterSource {
    private static final Logger LOG = LoggerFactory.getLogger(ZswapComponent.class);

    /** Takes the compressed memory over. */
    @Activate
    public ZswapComponent(@Reference PhysicalMemory memory, ZswapConfig config) throws IOException {
        super(ZswapStore.open(
                config.name(), memory, ZswapStore.slotsFor(memory, config.slots_per_page()), config.level()));
    }

    /** What is in memory has its shape: says so. */
    @Modified
    void modified(ZswapConfig config) {
        LOG.warn("swap {}: a changed configuration is used after swapoff and a restart of the component", name());
    }

    @Deactivate
    void stop() {
        real.close();
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        real.forEach(visitor);
    }
}
