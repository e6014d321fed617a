// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import penumbra.kern.Fidelity;

/**
 * The one table of scripts that the corrected system answers differently from the original: for each, the first step
 * that differs and the number of the mended defect that shows in it. Besides, it names the scripts in which the
 * original's defects break invariants.
 */
public final class Deviations {
    private static final String TABLE = "deviations.txt";

    /** What a line begins with that allows violations of invariants to the original. */
    private static final String VIOLATES = "violates";

    private final Map<String, Deviation> byScript = new TreeMap<>();
    private final Map<String, Deviation> violations = new TreeMap<>();

    /**
     * Where a script leaves the original.
     *
     * @param step the number of its first step that differs
     * @param defect the number of the defect that was mended
     */
    public record Deviation(int step, int defect) {}

    /** Reads the table. */
    public Deviations() {
        try (InputStream stream = Objects.requireNonNull(Deviations.class.getResourceAsStream(TABLE), TABLE);
                BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            reader.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .forEach(this::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void add(String line) {
        List<String> words = List.of(line.split(" +"));
        boolean violates = words.get(0).equals(VIOLATES);
        List<String> entry = violates ? words.subList(1, words.size()) : words;
        (violates ? violations : byScript)
                .put(entry.get(0), new Deviation(Integer.parseInt(entry.get(1)), Integer.parseInt(entry.get(2))));
    }

    /** From which step on script {@code name} breaks invariants in the original; null when it breaks none. */
    public @Nullable Deviation violation(String name) {
        return violations.get(name);
    }

    /**
     * Whether what was found is what the table says: no difference, or, in the corrected system, a first one at the
     * step that is listed.
     *
     * @return null when it is; else what is wrong, a line
     */
    public @Nullable String judge(Fidelity fidelity, String name, List<Difference> differences) {
        @Nullable Deviation listed = fidelity.corrected() ? byScript.get(name) : null;
        if (listed == null) {
            return differences.isEmpty() ? null : differences.get(0).toString();
        }
        if (differences.isEmpty()) {
            return "no difference, but one is listed at step " + listed.step() + " (defect " + listed.defect() + ")";
        }
        return differences.get(0).step() == listed.step()
                ? null
                : differences.get(0) + ", but the first one is listed at step " + listed.step();
    }
}
