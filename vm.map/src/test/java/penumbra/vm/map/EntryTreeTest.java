// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.inspect.Violations;

class EntryTreeTest {
    private static final long MAX = 1L << 20;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 20, 300, 4_000, 50_000})
    void agreesWithASortedMapUnderRandomChanges(long seed) {
        Random random = new Random(seed);
        EntryTree tree = new EntryTree(1, MAX);
        TreeMap<Long, Entry> model = new TreeMap<>();
        for (int step = 0; step < 2_000; step++) {
            long start = 1 + random.nextInt(4_000);
            Map.Entry<Long, Entry> below = model.floorEntry(start);
            boolean inside = below != null && start < below.getValue().end;
            if (!inside) {
                Long above = model.higherKey(start);
                long room = (above == null ? MAX : above) - start;
                Entry entry = new Entry(start, start + 1 + random.nextInt((int) Math.min(room, 20)));
                tree.link(below == null ? null : below.getValue(), entry);
                model.put(start, entry);
            } else if (random.nextInt(3) == 0) {
                below.getValue().end = start;
                if (below.getValue().end == below.getValue().start) {
                    below.getValue().end++;
                }
                tree.resized(below.getValue());
            } else {
                tree.unlink(below.getValue());
                model.remove(below.getKey());
            }
            compare(tree, model, random);
        }
    }

    private static void compare(EntryTree tree, TreeMap<Long, Entry> model, Random random) {
        Violations violations = new Violations();
        tree.check(violations);
        assertThat(violations.messages()).isEmpty();
        assertThat(tree.count()).isEqualTo(model.size());
        long address = random.nextInt(4_100);
        Map.Entry<Long, Entry> floor = model.floorEntry(address);
        assertThat(tree.floor(address)).isSameAs(floor == null ? null : floor.getValue());
        long length = 1 + random.nextInt(40);
        assertThat(tree.findSpace(address, length)).isEqualTo(firstFit(model, address, length));
    }

    private static long firstFit(TreeMap<Long, Entry> model, long from, long length) {
        long at = Math.max(1, from);
        for (Entry entry : model.values()) {
            if (entry.end > at) {
                if (entry.start - at >= length) {
                    return at;
                }
                at = entry.end;
            }
        }
        return MAX - at >= length ? at : -1;
    }

    @Test
    void findSpaceRefusesWhatCannotFit() {
        EntryTree tree = new EntryTree(0x1000, 0x9000);
        tree.link(null, new Entry(0x3000, 0x5000));
        assertThat(tree.findSpace(0, 0x2000)).isEqualTo(0x1000);
        assertThat(tree.findSpace(0, 0x3000)).isEqualTo(0x5000);
        assertThat(tree.findSpace(0x4000, 0x1000)).isEqualTo(0x5000);
        assertThat(tree.findSpace(0, 0x5000)).isEqualTo(-1);
        assertThat(tree.findSpace(0x8000, 0x1000)).isEqualTo(0x8000);
        assertThat(tree.findSpace(0x8000, 0x2000)).isEqualTo(-1);
        assertThat(tree.findSpace(0xA000, 0x1000)).isEqualTo(-1);
        assertThat(tree.findSpace(0x2000, -1)).isEqualTo(-1);
    }
}
