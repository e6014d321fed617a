// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import penumbra.hw.ScatterList.Run;

class ScatterListTest {
    @Test
    void findsTheFrameOfEveryPage() {
        long seed = System.nanoTime();
        System.out.println("findsTheFrameOfEveryPage: seed " + seed);
        Random random = new Random(seed);
        List<Run> runs = new ArrayList<>();
        List<Integer> model = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Run run = new Run(random.nextInt(1 << 20), 1 + random.nextInt(9));
            runs.add(run);
            for (int frame = 0; frame < run.frames(); frame++) {
                model.add(run.firstFrame() + frame);
            }
        }
        ScatterList list = new ScatterList(runs);
        assertThat(list.runs()).isEqualTo(runs);
        assertThat(list.pages()).isEqualTo(model.size());
        for (int page = 0; page < model.size(); page++) {
            assertThat(list.frame(page)).isEqualTo(model.get(page));
        }
        assertThat(list.frame(-1)).isEqualTo(Device.NO_FRAME);
        assertThat(list.frame(model.size())).isEqualTo(Device.NO_FRAME);
    }

    @Test
    void mayBeEmptyButItsRunsMayNot() {
        assertThat(new ScatterList(List.of()).pages()).isZero();
        assertThat(new ScatterList(List.of()).frame(0)).isEqualTo(Device.NO_FRAME);
        assertThatThrownBy(() -> new Run(5, 0)).hasMessage("0 frames from 5: expected at least 1, from 0 or more");
        assertThatThrownBy(() -> new Run(-1, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
