// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.IOException;
import java.nio.ByteBuffer;
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

/**
 * The compressed store as a component. It is there only if it is configured, and then it takes pages before swap files do,
 * which get those that it has no room for; an operator may rank it otherwise by {@code service.ranking}.
 */
@Component(
        name = "penumbra.pager.zswap",
        service = {BackingStore.class, CounterSource.class},
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        property = "service.ranking:Integer=100")
@Designate(ocd = ZswapConfig.class)
public final class ZswapComponent implements BackingStore, CounterSource {
    private static final Logger LOG = LoggerFactory.getLogger(ZswapComponent.class);

    private final ZswapStore store;

    /** Takes the compressed memory over. */
    @Activate
    public ZswapComponent(@Reference PhysicalMemory memory, ZswapConfig config) throws IOException {
        long slots = ZswapStore.slotsFor(memory, config.slots_per_page());
        store = ZswapStore.open(config.name(), memory, slots, config.level());
    }

    /** What is in memory has its shape: says so. */
    @Modified
    void modified(ZswapConfig config) {
        LOG.warn("swap {}: a changed configuration is used after swapoff and a restart of the component", store.name());
    }

    @Deactivate
    void stop() {
        store.close();
    }

    @Override
    public String name() {
        return store.name();
    }

    @Override
    public String identity() {
        return store.identity();
    }

    @Override
    public long capacity() {
        return store.capacity();
    }

    @Override
    public long available() {
        return store.available();
    }

    @Override
    public long allocate(int count) {
        return store.allocate(count);
    }

    @Override
    public void free(long slot, int count) {
        store.free(slot, count);
    }

    @Override
    public void reattach(SlotSet used) throws IOException {
        store.reattach(used);
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        store.read(slot, to);
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        store.write(slot, from);
    }

    @Override
    public void retire() {
        store.retire();
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        store.forEach(visitor);
    }
}
