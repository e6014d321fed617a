// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.object.ObjectType;

/** The commands among others: in pipes, as values, with a scope. */
class ShellTest {
    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    /** A command that counts the lines that come through a pipe. */
    public static final class Counting {
        public String count() throws IOException {
            return new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                            .lines()
                            .count() + " lines";
        }
    }

    @Test
    void answersGoThroughPipes() {
        rig.add(new Counting(), "count");
        rig.kernel.objects().allocate(ObjectType.DEFAULT, 1);
        assertThat(rig.lines("vmopag")).hasSize(3);
        assertThat(rig.run("vmopag | count")).isEqualTo("3 lines");
    }

    @Test
    void answersAreValues() {
        rig.kernel.objects().allocate(ObjectType.DEFAULT, 1);
        String answer = rig.run("object 1");
        assertThat(rig.run("answer = (object 1); $answer length")).isEqualTo(Integer.toString(answer.length()));
    }

    @Test
    void commandsHaveAScope() {
        assertThat(rig.run("ddb:vmochk")).isEqualTo(rig.run("vmochk"));
    }
}
