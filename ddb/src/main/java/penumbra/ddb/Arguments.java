// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.List;
import java.util.Locale;
import penumbra.inspect.CommandFailure;
import penumbra.pager.BackingStore;
import penumbra.pager.SwapSpace;

/** The words after a command's name, read one by one. What cannot be read is one line that says what was expected. */
final class Arguments {
    private static final String HEXADECIMAL = "0x";
    private static final int HEXADECIMAL_RADIX = 16;

    private final String usage;
    private final String[] words;
    private int next;

    /**
     * The words as the shell gives them.
     *
     * @param usage the command's name and what may follow it: {@code "object NUMBER [full]"}
     */
    Arguments(String usage, String... words) {
        this.usage = usage;
        this.words = words;
    }

    /** Whether a word is left. */
    boolean more() {
        return next < words.length;
    }

    /** The next word. */
    String word() {
        if (!more()) {
            throw bad("too few arguments");
        }
        return words[next++];
    }

    /** The next word, which must be {@code expected}, or false when there is none. */
    boolean option(String expected) {
        if (!more()) {
            return false;
        }
        String word = word();
        if (!word.equals(expected)) {
            throw bad("\"" + word + "\" is not \"" + expected + "\"");
        }
        return true;
    }

    /** The next word as a number of at least 0, decimal or, after 0x, hexadecimal. */
    long number() {
        return number(word());
    }

    /** The next word as a number of at most {@code most}. */
    int number(int most) {
        long number = number();
        if (number > most) {
            throw bad("\"" + words[next - 1] + "\" is too large: expected 0 to " + most);
        }
        return (int) number;
    }

    /** The next word as an object's number, with or without the letter that objects are printed with. */
    long object() {
        String word = word();
        if (word.equals(ObjectName.KERNEL)) {
            return ObjectName.KERNEL_ID;
        }
        if (word.equals(ObjectName.KMEM)) {
            return ObjectName.KMEM_ID;
        }
        return number(word.startsWith(ObjectName.LETTER) ? word.substring(ObjectName.LETTER.length()) : word);
    }

    /** The next word as a store that is there: by its name, or by its identity where several have the same name. */
    BackingStore store(SwapSpace swap) {
        String word = word();
        List<BackingStore> found = swap.stores().stream()
                .filter(store -> store.name().equals(word) || store.identity().equals(word))
                .toList();
        if (found.isEmpty()) {
            throw bad("there is no store \"" + word + "\"");
        }
        if (found.size() > 1) {
            throw bad(found.size() + " stores are called \"" + word + "\": expected one of the identities "
                    + String.join(
                            ", ", found.stream().map(BackingStore::identity).toList()));
        }
        return found.get(0);
    }

    /** Ends the reading; no word may be left. */
    void end() {
        if (more()) {
            throw bad("too many arguments");
        }
    }

    /** What to throw when the command cannot be done as it was given. */
    CommandFailure bad(String problem) {
        String name = usage.split(" ", 2)[0];
        return new CommandFailure(name + ": " + problem + "; usage: " + usage);
    }

    private long number(String word) {
        boolean hexadecimal = word.toLowerCase(Locale.ROOT).startsWith(HEXADECIMAL);
        String digits = hexadecimal ? word.substring(HEXADECIMAL.length()) : word;
        if (!digits.isEmpty() && Character.digit(digits.charAt(0), HEXADECIMAL_RADIX) >= 0) {
            try {
                return Long.parseLong(digits, hexadecimal ? HEXADECIMAL_RADIX : 10);
            } catch (NumberFormatException e) {
                // Said below.
            }
        }
        throw bad("\"" + word + "\" is no number: expected decimal, or 0x and hexadecimal digits");
    }
}
