// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Shrinkable;
import net.jqwik.api.ShrinkingDistance;

/**
 * Steps that become fewer in large pieces first, then one by one, then simpler: a run of a script costs too much to try
 * every smaller one.
 *
 * @param value the steps
 * @param piece how many are left out at once
 * @param from where the next piece is left out
 */
record ShrinkableSteps(List<Step> value, int piece, int from) implements Shrinkable<List<Step>> {
    static ShrinkableSteps of(List<Step> steps) {
        return new ShrinkableSteps(steps, Math.max(1, steps.size() / 2), 0);
    }

    @Override
    public Stream<Shrinkable<List<Step>>> shrink() {
        Stream<Shrinkable<List<Step>>> fewer = Stream.iterate(piece, size -> size > 0, size -> size / 2)
                .flatMap(size -> without(size, size == piece ? from : 0));
        return Stream.of(fewer, piece == 1 ? without(1, 0) : Stream.<Shrinkable<List<Step>>>of(), simpler())
                .flatMap(candidates -> candidates);
    }

    private Stream<Shrinkable<List<Step>>> without(int size, int first) {
        return IntStream.iterate(first, at -> at < value.size(), at -> at + size)
                .mapToObj(at -> {
                    List<Step> rest = new ArrayList<>(value.subList(0, at));
                    rest.addAll(value.subList(Math.min(value.size(), at + size), value.size()));
                    return new ShrinkableSteps(rest, size, at);
                });
    }

    private Stream<Shrinkable<List<Step>>> simpler() {
        return IntStream.range(0, value.size())
                .boxed()
                .flatMap(at -> value.get(at).simpler().map(step -> {
                    List<Step> steps = new ArrayList<>(value);
                    steps.set(at, step);
                    return new ShrinkableSteps(steps, 1, value.size());
                }));
    }

    @Override
    public ShrinkingDistance distance() {
        return ShrinkingDistance.of(
                value.size(), value.stream().mapToLong(Step::complexity).sum());
    }
}
