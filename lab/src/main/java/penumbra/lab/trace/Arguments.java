// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import org.jspecify.annotations.Nullable;

/**
 * The arguments of one system call as Valgrind prints them: numbers between commas, decimal, or hexadecimal behind 0x;
 * one may carry a path in parentheses. All methods throw {@link IllegalArgumentException} with a message for the user
 * when an argument is not what it should be.
 */
final class Arguments {
    private static final String[] NONE = {};

    private final String[] numbers;
    private final @Nullable String path;

    Arguments(String text) {
        // Behind the path only numbers follow, so its end is the last parenthesis whatever it contains.
        int open = text.indexOf('(');
        int close = text.lastIndexOf(')');
        boolean hasPath = open >= 0 && close > open;
        path = hasPath ? text.substring(open + 1, close) : null;
        String plain = hasPath ? text.substring(0, open) + text.substring(close + 1) : text;
        numbers = plain.isBlank() ? NONE : plain.split(",", -1);
    }

    /** An argument that the call may leave out. */
    boolean has(int index) {
        return index < numbers.length;
    }

    long number(int index) {
        String text = text(index);
        return text.startsWith("0x") ? parse(index, text.substring(2), 16) : parse(index, text, 10);
    }

    /** A number that is printed in hexadecimal without saying so. */
    long hexadecimal(int index) {
        return parse(index, text(index), 16);
    }

    /** A number whose upper half is of no meaning, such as a file descriptor. */
    int integer(int index) {
        return (int) number(index);
    }

    String path() {
        if (path == null) {
            throw new IllegalArgumentException("no path among the arguments");
        }
        return path;
    }

    private String text(int index) {
        if (index >= numbers.length) {
            throw new IllegalArgumentException("argument " + (index + 1) + " is missing, there are " + numbers.length);
        }
        return numbers[index].trim();
    }

    private static long parse(int index, String digits, int radix) {
        try {
            return digits.startsWith("-") ? Long.parseLong(digits, radix) : Long.parseUnsignedLong(digits, radix);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "argument " + (index + 1) + " is no number: " + BadInput.quote(digits), e);
        }
    }
}
