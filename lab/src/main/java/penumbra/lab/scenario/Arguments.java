// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;

/** The words of one script line after the operation's name, taken one by one with a check of each. */
final class Arguments {
    /** Pages with the letter p, then bytes; either may be left out. */
    private static final Pattern BYTES = Pattern.compile("(?:(-?[0-9]{1,9})p)?((?:(?<=p)[+-]|-?)[0-9]+|)");

    private final Operation operation;
    private final List<String> words;
    private int next;

    Arguments(Operation operation, List<String> words) {
        this.operation = operation;
        this.words = words;
    }

    boolean more() {
        return next < words.size();
    }

    String word(String what) {
        if (!more()) {
            throw expected(what);
        }
        return words.get(next++);
    }

    /** Takes the next word if it is {@code word}. */
    boolean optional(String word) {
        if (more() && words.get(next).equals(word)) {
            next++;
            return true;
        }
        return false;
    }

    /** Takes the next word if it is one of {@code choices}; else null. */
    @Nullable
    String oneOf(String... choices) {
        for (String choice : choices) {
            if (optional(choice)) {
                return choice;
            }
        }
        return null;
    }

    String choice(String... choices) {
        @Nullable String chosen = oneOf(choices);
        if (chosen == null) {
            throw expected(String.join("|", choices));
        }
        return chosen;
    }

    long number(String what) {
        String word = word(what);
        try {
            return Long.parseLong(word);
        } catch (NumberFormatException e) {
            next--;
            throw expected(what + ", a decimal number");
        }
    }

    /** A number in {@code [0, Integer.MAX_VALUE]}. */
    int count(String what) {
        long value = number(what);
        if (value < 0 || value > Integer.MAX_VALUE) {
            next--;
            throw expected(what + ", 0 to " + Integer.MAX_VALUE);
        }
        return (int) value;
    }

    /**
     * A number of bytes, perhaps negative: decimal, or pages with the letter p, or both: {@code 100}, {@code 16p},
     * {@code 16p+100}, {@code 16p-1}. The word {@code inf} is the largest.
     */
    long bytes(String what) {
        String word = word(what);
        if (word.equals("inf")) {
            return Long.MAX_VALUE;
        }
        Matcher matcher = BYTES.matcher(word);
        if (!matcher.matches()) {
            next--;
            throw expected(what + ", bytes as 100, 16p or 16p+100");
        }
        @Nullable String pages = matcher.group(1);
        @Nullable String rest = matcher.group(2);
        try {
            long bytes = rest == null || rest.isEmpty() ? 0 : Long.parseLong(rest);
            return pages == null ? bytes : Math.addExact(PageSize.bytes(Integer.parseInt(pages)), bytes);
        } catch (ArithmeticException | NumberFormatException e) {
            next--;
            throw expected(what + ", a number that fits");
        }
    }

    /** A sum of bits: their names with commas between, or a number. */
    int bits(String what, Map<String, Integer> names) {
        String word = word(what);
        if (word.matches("[0-9]{1,9}")) {
            return Integer.parseInt(word);
        }
        int bits = 0;
        for (String name : word.split(",", -1)) {
            @Nullable Integer bit = names.get(name);
            if (bit == null) {
                next--;
                throw expected(what + ", a number or some of " + String.join(",", names.keySet()));
            }
            bits |= bit;
        }
        return bits;
    }

    boolean flag(String what) {
        long value = number(what);
        if (value != 0 && value != 1) {
            next--;
            throw expected(what + ", 0 or 1");
        }
        return value == 1;
    }

    /** Protection in letters: {@code rwx}, {@code n} for none; or as a number, which may have other bits. */
    int protBits(String what) {
        if (more() && words.get(next).matches("[0-9]{1,9}")) {
            return count(what);
        }
        return prot(what);
    }

    /** Protection in letters: {@code rwx}, {@code n} for none. */
    int prot(String what) {
        String word = word(what);
        if (word.equals("n")) {
            return Prot.NONE;
        }
        int prot = 0;
        for (char letter : word.toCharArray()) {
            int bit =
                    switch (letter) {
                        case 'r' -> Prot.READ;
                        case 'w' -> Prot.WRITE;
                        case 'x' -> Prot.EXECUTE;
                        default -> 0;
                    };
            if (bit == 0 || (prot & bit) != 0) {
                next--;
                throw expected(what + ", letters of rwx or n");
            }
            prot |= bit;
        }
        return prot;
    }

    void end() {
        if (more()) {
            throw expected("end of line");
        }
    }

    private BadScript expected(String what) {
        String found = more() ? "\"" + words.get(next) + "\"" : "the end of the line";
        return new BadScript(
                operation.name() + ": expected " + what + ", found " + found + " (usage: " + operation.usage() + ")");
    }
}
