// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.util.Arrays;
import java.util.Locale;

/** The medians of figures that were measured in rounds, and of their ratios round by round. */
final class Medians {
    private final String[] names;
    private final double[][] rounds;

    /** @param rounds for each name what was measured in each round */
    Medians(String[] names, double[][] rounds) {
        this.names = names;
        this.rounds = rounds;
    }

    /** The median of {@code values}. */
    static double of(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /** What {@code name} is of {@code reference} in each round, sorted. */
    private double[] ratios(String name, String reference) {
        double[] some = rounds[Arrays.asList(names).indexOf(name)];
        double[] others = rounds[Arrays.asList(names).indexOf(reference)];
        double[] ratios = new double[some.length];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = some[i] / others[i];
        }
        Arrays.sort(ratios);
        return ratios;
    }

    /** The median of what {@code name} is of {@code reference} in each round. */
    double ratio(String name, String reference) {
        return of(ratios(name, reference));
    }

    /** Prints {@link #ratio}, and the least and the most. */
    void printRatio(String name, String reference) {
        double[] sorted = ratios(name, reference);
        System.out.printf(
                Locale.ROOT,
                "%s / %s: %.2f (%.2f to %.2f)%n",
                name,
                reference,
                of(sorted),
                sorted[0],
                sorted[sorted.length - 1]);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("medians");
        for (int i = 0; i < names.length; i++) {
            text.append(String.format(Locale.ROOT, "  %s %.0f", names[i], of(rounds[i])));
        }
        return text.toString();
    }
}
