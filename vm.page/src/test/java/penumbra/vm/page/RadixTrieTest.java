// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.kern.KernelPanic;

class RadixTrieTest {
    private final RadixTrie trie = new RadixTrie();

    /** Where the indexes of a random test come from. */
    enum Spread {
        DENSE {
            @Override
            long index(Random random) {
                return random.nextInt(200);
            }
        },
        CLUSTERS {
            @Override
            long index(Random random) {
                return ((long) random.nextInt(8) << 40) + (random.nextInt(4) << 9) + random.nextInt(40);
            }
        },
        SPARSE {
            @Override
            long index(Random random) {
                return random.nextLong() >>> 1 + random.nextInt(63);
            }
        },
        POWERS {
            @Override
            long index(Random random) {
                return (1L << random.nextInt(63)) + random.nextInt(3) - 1;
            }
        };

        abstract long index(Random random);
    }

    private static VmPage page(long pindex) {
        VmPage page = new VmPage(null, 0, 0);
        page.pindex = pindex;
        return page;
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithASortedMap(Spread spread) {
        long seed = System.nanoTime();
        System.out.println("trie seed " + spread + " " + seed);
        Random random = new Random(seed);
        TreeMap<Long, VmPage> model = new TreeMap<>();
        for (int step = 0; step < 20_000; step++) {
            long index = spread.index(random);
            boolean grow = random.nextInt(300) > model.size();
            if (grow && !model.containsKey(index)) {
                VmPage page = page(index);
                model.put(index, page);
                trie.insert(page);
            } else if (!model.isEmpty()) {
                Map.Entry<Long, VmPage> gone = model.ceilingEntry(index);
                gone = gone == null ? model.lastEntry() : gone;
                model.remove(gone.getKey());
                assertThat(trie.remove(gone.getKey())).isSameAs(gone.getValue());
            }
            long probe = random.nextBoolean() ? spread.index(random) : index;
            assertThat(trie.lookup(probe)).isSameAs(model.get(probe));
            assertThat(trie.lookupGe(probe)).isSameAs(value(model.ceilingEntry(probe)));
            assertThat(trie.lookupLe(probe)).isSameAs(value(model.floorEntry(probe)));
            assertThat(trie.isEmpty()).isEqualTo(model.isEmpty());
            assertThat(trie.isSingleton()).isEqualTo(model.size() == 1);
        }
    }

    private static VmPage value(Map.Entry<Long, VmPage> entry) {
        return entry == null ? null : entry.getValue();
    }

    @Test
    void walksInOrderOverAMillionPagesWithFewNodesEach() {
        int pages = 1_000_000;
        for (int i = 0; i < pages; i++) {
            trie.insert(page(i));
        }
        // Five digits cover 2^20 indexes, so a look-up sees five nodes and the leaf.
        long before = trie.visited();
        for (int i = 0; i < pages; i += 997) {
            assertThat(trie.lookup(i).pindex).isEqualTo(i);
        }
        assertThat(trie.visited() - before).isEqualTo(6L * ((pages + 996) / 997));
        before = trie.visited();
        assertThat(trie.lookupGe(pages)).isNull();
        assertThat(trie.lookupLe(Long.MAX_VALUE).pindex).isEqualTo(pages - 1);
        assertThat(trie.visited() - before).isLessThanOrEqualTo(14);
        before = trie.visited();
        trie.clear();
        assertThat(trie.visited()).isEqualTo(before);
        assertThat(trie.isEmpty()).isTrue();
    }

    @Test
    void compressesPathsOfLonelyPages() {
        trie.insert(page(0));
        trie.insert(page(Long.MAX_VALUE));
        long before = trie.visited();
        assertThat(trie.lookup(Long.MAX_VALUE)).isNotNull();
        assertThat(trie.visited() - before).isEqualTo(2);
    }

    @Test
    void refusesASecondPageAndAMissingOne() {
        trie.insert(page(5));
        assertThatThrownBy(() -> trie.insert(page(5))).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(() -> trie.remove(6)).isInstanceOf(KernelPanic.class);
    }
}
