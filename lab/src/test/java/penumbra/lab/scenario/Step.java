// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static java.util.Map.entry;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/**
 * An operation that a script may contain, in numbers, so that it can be left out or made smaller by itself: a step that
 * is not possible where it stands does nothing.
 *
 * @param kind what is done
 * @param process by which of the processes that are there, if any
 * @param page the first page, of an address space or of an object
 * @param count how many pages
 * @param choice everything else: which way, which child, which object, which block
 */
record Step(Kind kind, int process, int page, int count, int choice) {
    enum Kind {
        WRITE,
        READ,
        MAP,
        UNMAP,
        CREATE,
        FORK,
        EXIT,
        INHERIT,
        PROTECT,
        ADVISE,
        SYNC,
        LOCK,
        UNLOCK,
        PAGEOUT,
        COLLAPSE,
        PUT,
        PAGE_STATE,
        FAIL_SWAP,
        FAIL_FILE,
        RESIZE,
        CLEAN,
        SWAPOFF
    }

    static final int PROCESSES = 5;
    static final int MOST_COUNT = 16;
    private static final int CHOICES = 64;
    /** How many of an access's choices mean a single page. */
    private static final int CHOICES_OF_ONE = CHOICES / 2;

    /** How often each kind comes, in thousandths. */
    private static final Map<Kind, Integer> SHARES = Map.ofEntries(
            entry(Kind.WRITE, 250),
            entry(Kind.READ, 130),
            entry(Kind.MAP, 80),
            entry(Kind.UNMAP, 25),
            entry(Kind.CREATE, 5),
            entry(Kind.FORK, 130),
            entry(Kind.EXIT, 60),
            entry(Kind.INHERIT, 60),
            entry(Kind.PROTECT, 30),
            entry(Kind.ADVISE, 50),
            entry(Kind.SYNC, 15),
            entry(Kind.LOCK, 20),
            entry(Kind.UNLOCK, 10),
            entry(Kind.PAGEOUT, 50),
            entry(Kind.COLLAPSE, 20),
            entry(Kind.PUT, 20),
            entry(Kind.PAGE_STATE, 20),
            entry(Kind.FAIL_SWAP, 10),
            entry(Kind.FAIL_FILE, 5),
            entry(Kind.RESIZE, 10),
            entry(Kind.CLEAN, 10),
            entry(Kind.SWAPOFF, 5));

    /** Any step. */
    static Arbitrary<Step> any() {
        Arbitrary<Kind> kinds = Arbitraries.frequency(SHARES.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(share -> Tuple.of(share.getValue(), share.getKey()))
                .collect(Collectors.toList()));
        return Combinators.combine(
                        kinds,
                        Arbitraries.integers().between(0, PROCESSES - 1),
                        Arbitraries.integers().between(0, ContentsModel.PAGES - 1),
                        Arbitraries.integers().between(1, MOST_COUNT),
                        Arbitraries.integers().between(0, CHOICES - 1))
                .as(Step::new);
    }

    /** Steps that read all that there is twice, at different places of each page. */
    static List<Step> readingEverything() {
        List<Step> steps = new ArrayList<>();
        for (int round = 0; round < 2; round++) {
            for (int process = 0; process < PROCESSES; process++) {
                for (int page = 0; page < ContentsModel.PAGES; page += MOST_COUNT) {
                    steps.add(new Step(Kind.READ, process, page, MOST_COUNT, CHOICES_OF_ONE + round));
                }
            }
        }
        return steps;
    }

    /** Whether only the first page is accessed. */
    boolean onePage() {
        return choice < CHOICES_OF_ONE;
    }

    /** The same with one number made smaller. */
    Stream<Step> simpler() {
        return Stream.of(
                        new Step(kind, 0, page, count, choice),
                        new Step(kind, process, page, 1, choice),
                        new Step(kind, process, page, count / 2, choice),
                        new Step(kind, process, 0, count, choice),
                        new Step(kind, process, page, count, choice % Tags.BLOCKS))
                .filter(step -> step.count > 0 && step.complexity() < complexity());
    }

    long complexity() {
        return process + page + count + choice;
    }
}
