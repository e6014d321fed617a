// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PatienceTest {
    private final Patience patience = new Patience();

    private long now;

    /** How many vain passes, so many nanoseconds apart, it takes from now on. */
    private int passes(long apart) {
        int count = 1;
        while (!patience.lost(now)) {
            now += apart;
            count++;
        }
        return count;
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE, Long.MIN_VALUE})
    void twelvePassesInVainAreTooMany(long start) {
        now = start;
        assertThat(passes(Patience.WAIT)).isEqualTo(12);
        assertThat(now - start).isEqualTo(11 * Patience.WAIT);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 10, 1000})
    void passesThatFollowFasterTakeAsLong(int faster) {
        assertThat(passes(Patience.WAIT / faster)).isEqualTo(11 * faster + 1);
        assertThat(now).isEqualTo(11 * Patience.WAIT);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 60})
    void slowPassesCountOnceEach(long waits) {
        assertThat(passes(waits * Patience.WAIT)).isEqualTo(12);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 11})
    void whoeverGetsSomethingBeginsFromTheBeginning(int before) {
        for (int i = 0; i < before; i++) {
            assertThat(patience.lost(now)).isFalse();
            now += Patience.WAIT;
        }
        patience.restore();
        assertThat(passes(Patience.WAIT)).isEqualTo(12);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void theEndIsABeginningToo(int times) {
        for (int i = 0; i < times; i++) {
            assertThat(passes(Patience.WAIT)).isEqualTo(12);
            now += Patience.WAIT;
        }
    }
}
