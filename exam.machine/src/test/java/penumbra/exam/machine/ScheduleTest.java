// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What the kernel does at the same time, in orders that seeds choose. {@code -Dpenumbra.schedules=N} says how many
 * orders of each kind are tried, {@code -Dpenumbra.schedule.seed=S} repeats one.
 */
@Timeout(1200)
class ScheduleTest {
    private static final int SCHEDULES = Integer.getInteger("penumbra.schedules", 40);
    private static final Long ONE = Long.getLong("penumbra.schedule.seed");

    private interface Story {
        void tell(Scenario scenario);
    }

    private static void explore(String what, Story story) {
        long start = ONE != null ? ONE : System.nanoTime();
        int runs = ONE != null ? 1 : SCHEDULES;
        System.out.println(what + ": schedules from seed " + start);
        for (long seed = start; seed < start + runs; seed++) {
            Scenario scenario = new Scenario(seed, UnaryOperator.identity());
            try {
                story.tell(scenario);
                scenario.run();
            } catch (Throwable failed) {
                throw new AssertionError(what + ", schedule of seed " + seed + ": " + failed.getMessage(), failed);
            }
            scenario.close();
        }
    }

    /** Programs that together need more memory than there is. */
    @Test
    void faultsAgainstPageout() {
        explore("fault x pageout", scenario -> new Pressure(scenario).prepare());
    }

    /** A process whose two threads count in words of their own while a third one takes snapshots of it. */
    @Test
    void faultsAgainstFork() {
        explore("fault x fork", scenario -> new Snapshots(scenario).prepare());
    }

    /** Two processes that share memory which a third one inherited before. */
    @Test
    void faultsOfThoseWhoShare() {
        explore("fault x fault", scenario -> new Sharers(scenario).prepare());
    }

    /** Generations: each child goes on while its parent, behind whose pages it stands, still writes, and then dies. */
    @Test
    void faultsAgainstCollapse() {
        explore("collapse x fault", scenario -> new Generations(scenario).prepare());
    }

    /** Processes come and go while their swapped pages are moved from one store to another and back. */
    @Test
    void migrationAgainstTermination() {
        explore("migration x terminate", scenario -> new Migration(scenario).prepare());
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        long seed = ONE != null ? ONE : System.nanoTime();
        System.out.println("the same run twice: seed " + seed);
        assertThat(fingerprint(seed)).isEqualTo(fingerprint(seed));
    }

    /** What a run came to; its machine is closed only then, as threads of a run that failed stay where they were. */
    private static String fingerprint(long seed) {
        Scenario scenario = new Scenario(seed, UnaryOperator.identity());
        new Generations(scenario).prepare();
        scenario.run();
        String result = scenario.schedule + ", " + scenario.kernel.pageout().laundered() + " pages laundered";
        scenario.close();
        return result;
    }
}
