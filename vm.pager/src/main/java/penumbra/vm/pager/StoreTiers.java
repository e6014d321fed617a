// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/** The active stores in the order in which they are asked for space: the highest ranking first, its stores in turns. */
final class StoreTiers {
    static final StoreTiers NONE = new StoreTiers(List.of());

    /** The stores of one ranking. */
    static final class Tier {
        private final List<StoreEntry> stores = new ArrayList<>();

        /** Whose turn it is; two threads may meet on one store, which is as good. */
        private volatile int turn;

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

    /** The order of {@code active}, which is in order of attachment. */
    static StoreTiers of(List<StoreEntry> active) {
        List<StoreEntry> ranked = new ArrayList<>(active);
        ranked.sort(Comparator.comparingInt((StoreEntry entry) -> entry.ranking).reversed());
        List<Tier> tiers = new ArrayList<>();
        for (StoreEntry entry : ranked) {
            if (tiers.isEmpty() || tiers.get(tiers.size() - 1).stores.get(0).ranking != entry.ranking) {
                tiers.add(new Tier());
            }
            tiers.get(tiers.size() - 1).stores.add(entry);
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
