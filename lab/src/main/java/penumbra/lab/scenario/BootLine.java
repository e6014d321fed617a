// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.util.List;

/**
 * The first line of a script, {@code boot MEM SWAP}.
 *
 * @param memory what the original's harness was told; it decides the number of pages
 * @param swapPages slots of the swap device
 */
record BootLine(int memory, long swapPages) {
    /** The two machines that the original was run as: {@code boot 8192} had 9,911 pages, {@code boot -1850} had 123. */
    private static final int LARGE_MEMORY = 8192;

    private static final int LARGE_PAGES = 9_911;
    private static final int SMALL_MEMORY = -1850;
    private static final int SMALL_PAGES = 123;

    private static final Operation USAGE = Operation.of("boot MEM SWAP", a -> {
        throw new BadScript("boot: expected on the first line only");
    });

    static BootLine parse(String line) {
        List<String> words = List.of(line.strip().split("\\s+"));
        if (!words.get(0).equals("boot")) {
            throw new BadScript("expected boot MEM SWAP, found \"" + line + "\"");
        }
        Arguments arguments = new Arguments(USAGE, words.subList(1, words.size()));
        int memory = (int) arguments.number("MEM");
        int swap = arguments.count("SWAP");
        arguments.end();
        BootLine boot = new BootLine(memory, swap);
        if (boot.pages() < 1) {
            throw new BadScript(
                    "boot: MEM " + memory + " leaves no page: expected at least " + (SMALL_MEMORY - SMALL_PAGES));
        }
        return boot;
    }

    static Operation operation() {
        return USAGE;
    }

    /** The pages of the machine, on the straight line through the two that are known. */
    int pages() {
        return SMALL_PAGES
                + (int) ((long) (memory - SMALL_MEMORY) * (LARGE_PAGES - SMALL_PAGES) / (LARGE_MEMORY - SMALL_MEMORY));
    }
}
