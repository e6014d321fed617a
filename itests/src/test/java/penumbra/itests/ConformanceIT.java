// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripts of the original, all of them and at every level, as the shipped jar runs them. */
class ConformanceIT {
    private static final Path SCRIPTS = Path.of("src/test/data/vectors.tar.xz").toAbsolutePath();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"original", "corrected"})
    void everyScriptGoesAsExpected(String fidelity) throws Exception {
        Vm.Ended ended =
                Vm.RUNNABLE_JAR.run(folder, "", "conform", SCRIPTS.toString(), "--fidelity", fidelity, "--level", "3");
        assertThat(ended.out()).isEqualTo("266 passed, 0 failed\n");
        assertThat(ended.status()).isZero();
    }
}
