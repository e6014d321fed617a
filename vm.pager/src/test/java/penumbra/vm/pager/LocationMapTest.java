// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;

class LocationMapTest {
    private TestKernel kernel;
    private final Holdings holdings = new Holdings();
    private LocationMap map;

    @BeforeEach
    void makeMap() {
        kernel = TestKernel.stepped(256, Fidelity.CORRECTED);
        map = new LocationMap(kernel.object(ObjectType.DEFAULT, 1), holdings);
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    @ParameterizedTest
    @ValueSource(longs = {33, 1_000, 1_000_000, 1L << 51})
    void agreesWithASortedMap(long size) {
        long seed = System.nanoTime();
        System.out.println("LocationMap of " + size + ": seed " + seed);
        Random random = new Random(seed);
        TreeMap<Long, Long> model = new TreeMap<>();
        for (int i = 1; i <= 20_000; i++) {
            long p = near(random, size);
            switch (random.nextInt(8)) {
                case 0, 1, 2, 3 -> {
                    long location = Location.of(1 + random.nextInt(3), i);
                    Long old = model.put(p, location);
                    assertThat(map.put(p, location, i)).isEqualTo(old == null ? Location.NONE : old);
                    assertThat(map.stamp(p)).isEqualTo(i);
                }
                case 4, 5 -> {
                    Long old = model.remove(p);
                    assertThat(map.remove(p)).isEqualTo(old == null ? Location.NONE : old);
                }
                case 6 -> {
                    long end = p + random.nextInt(100);
                    List<Long> freed = new ArrayList<>();
                    map.removeRange(p, end, freed::add);
                    assertThat(freed)
                            .containsExactlyElementsOf(model.subMap(p, end).values());
                    model.subMap(p, end).clear();
                }
                default -> {
                    int store = random.nextInt(4);
                    assertThat(map.nextOn(store, p)).isEqualTo(next(model, store, p));
                }
            }
            assertThat(map.location(p)).isEqualTo(model.getOrDefault(p, Location.NONE));
            assertThat(map.pages()).isEqualTo(model.size());
        }
        Set<Long> blocks = new HashSet<>();
        model.keySet().forEach(p -> blocks.add(p / 32));
        assertThat(map.blocks()).isEqualTo(blocks.size());
        List<Long> freed = new ArrayList<>();
        map.removeAll(freed::add);
        assertThat(freed).containsExactlyElementsOf(model.values());
        assertThat(map.pages()).isZero();
        assertThat(map.blocks()).isZero();
        assertThat(map.next(0)).isEqualTo(LocationMap.NO_PAGE);
    }

    private static long near(Random random, long size) {
        long base = random.nextInt(4) * (size / 4);
        return Math.min(size - 1, base + random.nextInt((int) Math.min(size / 4 + 1, 400)));
    }

    private static long next(NavigableMap<Long, Long> model, int store, long from) {
        return model.tailMap(from, true).entrySet().stream()
                .filter(e -> store == 0 || Location.store(e.getValue()) == store)
                .map(java.util.Map.Entry::getKey)
                .findFirst()
                .orElse(LocationMap.NO_PAGE);
    }

    @Test
    void aReservedSlotCannotBeRead() {
        map.put(7, Location.of(1, 9), Stamp.RESERVED);
        assertThat(map.location(7)).isEqualTo(Location.of(1, 9));
        assertThat(map.readable(7)).isEqualTo(Location.NONE);
        map.put(7, Location.of(1, 9), Stamp.of(1, 0));
        assertThat(map.readable(7)).isEqualTo(Location.of(1, 9));
    }

    @Test
    void locationsAndStampsKeepTheirParts() {
        long location = Location.of(Location.MAX_STORE, (1L << 48) - 1);
        assertThat(Location.store(location)).isEqualTo(Location.MAX_STORE);
        assertThat(Location.slot(location)).isEqualTo((1L << 48) - 1);
        long stamp = Stamp.of(-2, -3);
        assertThat(Stamp.version(stamp)).isEqualTo(-2);
        assertThat(Stamp.checksum(stamp)).isEqualTo(-3);
    }
}
