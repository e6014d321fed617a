// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/**
 * The stores in the order in which they are asked for space: the active ones, then the candidates, each by ranking,
 * those of one ranking in turns; last of all those that are being drained.
 */
final class StoreTiers {
    static final StoreTiers NONE = new StoreTiers(List.of());

    /** The stores of one state and ranking. */
    static final class Tier {
        final StoreEntry.State state;
        private final int ranking;
        private final List<StoreEntry> stores = new ArrayList<>();

        /** Whose turn it is; two threads may meet on one store, which is as good. */
        private volatile int turn;

        Tier(StoreEntry first) {
            state = first.state;
            ranking = first.ranking;
        }

        void forEach(Consumer<StoreEntry> visitor) {
            stores.forEach(visitor);
        }

        int size() {
            return stores.size();
        }

        /** The store that is asked as number {@code i}, the one whose turn it is as number 0. */
        StoreEntry get(int i) {
            return stores.get((turn + i) % stores.size());
        }

        /** The turn goes to the store behind {@code entry} ({@code swdevhd}). */
        void passOn(StoreEntry entry) {
            turn = (stores.indexOf(entry) + 1) % stores.size();
        }

        void restart() {
            turn = 0;
        }
    }

    private final List<Tier> tiers;

    private StoreTiers(List<Tier> tiers) {
        this.tiers = tiers;
    }

    /** The order of those of {@code entries} that take pages; they are in order of attachment. */
    static StoreTiers of(List<StoreEntry> entries) {
        List<StoreEntry> ranked = new ArrayList<>(entries);
        ranked.removeIf(entry -> !entry.state.counts());
        ranked.sort(Comparator.comparing((StoreEntry entry) -> entry.state)
                .thenComparing(Comparator.comparingInt((StoreEntry entry) -> entry.ranking)
                        .reversed()));
        List<Tier> tiers = new ArrayList<>();
        for (StoreEntry entry : ranked) {
            Tier last = tiers.isEmpty() ? new Tier(entry) : tiers.get(tiers.size() - 1);
            if (tiers.isEmpty() || last.state != entry.state || last.ranking != entry.ranking) {
                last = new Tier(entry);
                tiers.add(last);
            }
            last.stores.add(entry);
        }
        return new StoreTiers(tiers);
    }

    boolean isEmpty() {
        return tiers.isEmpty();
    }

    List<Tier> tiers() {
        return tiers;
    }
}
