// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FelixArgumentsTest {
    @Test
    void blanksSeparateArguments() {
        assertThat(FelixArguments.split(" replay  a.log\t--seed 3 ")).containsExactly("replay", "a.log", "--seed", "3");
    }

    @Test
    void quotesKeepBlanks() {
        assertThat(FelixArguments.split("script \"my file\" 'it \"is\"' \"\""))
                .containsExactly("script", "my file", "it \"is\"", "");
    }

    @Test
    void nothingIsNoArgument() {
        assertThat(FelixArguments.split("  ")).isEmpty();
    }
}
