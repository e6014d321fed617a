// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads one log of Valgrind's Lackey and passes its contents on. References, nearly all of a log, are taken apart as
 * bytes, eight hexadecimal digits at a time; every other line goes to {@link LogLines} as text.
 */
final class LogParser {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    /** The longest line, in bytes; longer than any command line that Linux takes by default. */
    static final int LONGEST_LINE = 1 << 20;

    /** Room behind the text, so that a reference at its end can be tried without asking how much is left. */
    private static final int MARGIN = 64;

    private static final int PREFIX = 3;
    private static final int DIGITS = 8;

    /** More digits than any address of 64 bits has. */
    private static final int MOST_DIGITS = 16;

    /** The digits of an address as text, eight at a time. */
    private static final long EACH = 0x0101010101010101L;

    private static final long HIGH_BITS = 0x8080808080808080L;

    /** Lines that claim to be references, whether or not their numbers are any good. */
    private static final Pattern REFERENCE = Pattern.compile("(I | L| S| M) ([^,]*),(.*)");

    private static final Pattern ADDRESS = Pattern.compile("[0-9a-f]{1,15}");
    private static final Pattern SIZE = Pattern.compile("[1-9][0-9]{0,3}");

    private static final byte[] HEX = new byte[256];

    static {
        Arrays.fill(HEX, (byte) -1);
        for (int digit = 0; digit < 16; digit++) {
            HEX[Character.forDigit(digit, 16)] = (byte) digit;
        }
    }

    private final String source;
    private final TraceSink sink;
    private final LogLines lines;
    private final byte[] text = new byte[LONGEST_LINE + MARGIN];
    private int next;
    private int limit;
    private long line = 1;
    private final long[] references = new long[Trace.MAX_REFERENCES];
    private int count;

    /** Where the reference that was tried last ends; meaningful only behind a successful try. */
    private int end;

    /** Reads a log of this name for messages. */
    LogParser(String source, TraceSink sink) {
        this.source = source;
        this.sink = sink;
        this.lines = new LogLines(source, this::entry);
    }

    /**
     * Reads once from the stream and passes on all lines that are complete by then.
     *
     * @return false if the stream has nothing more for now
     */
    boolean read(InputStream in) throws IOException {
        if (next > 0) {
            System.arraycopy(text, next, text, 0, limit - next);
            limit -= next;
            next = 0;
        }
        if (limit == LONGEST_LINE) {
            throw new BadInput(source, line, "a line of more than " + LONGEST_LINE + " bytes");
        }
        int got = in.read(text, limit, LONGEST_LINE - limit);
        if (got < 0) {
            return false;
        }
        limit += got;
        scan();
        flush();
        return true;
    }

    /** Ends the log. Returns what it says of its process. */
    LogSummary finish() throws IOException {
        if (next < limit) {
            lines.checkHeader(line);
            throw new BadInput(source, line, "the log ends in the middle of a line");
        }
        LogSummary summary = lines.finish(line);
        flush();
        return summary;
    }

    /** Ends the log of a program that was cut off: an unfinished line is left out. */
    LogSummary breakOff() throws IOException {
        next = limit;
        return finish();
    }

    /** The processes that have been forked so far. */
    List<Integer> children() {
        return lines.children();
    }

    /** True if Valgrind has said how the program ended. */
    boolean isComplete() {
        return lines.isComplete();
    }

    private void entry(Entry entry) throws IOException {
        flush();
        sink.entry(entry);
    }

    private void flush() throws IOException {
        if (count > 0) {
            sink.references(references, count);
            count = 0;
        }
    }

    private void scan() throws IOException {
        while (next < limit) {
            long reference = reference(next);
            if (reference >= 0 && lines.inBody()) {
                if (end > limit) {
                    return;
                }
                add(reference);
                next = end;
                line++;
            } else if (!textLine()) {
                return;
            }
        }
    }

    private void add(long reference) throws IOException {
        references[count++] = reference;
        if (count == references.length) {
            flush();
        }
    }

    /**
     * Takes a line apart that looks like a reference of at least eight digits, and sets {@link #end} behind it. What
     * lies behind the limit is old text, so an end behind the limit says that the line is not complete yet.
     *
     * @return a packed reference; negative for anything else
     */
    private long reference(int at) {
        byte[] b = text;
        int kind = kind(b, at);
        if (kind < 0) {
            return -1;
        }
        long digits = (long) LONGS.get(b, at + PREFIX);
        if (!areHexadecimal(digits)) {
            return -1;
        }
        long address = fromHexadecimal(digits);
        int p = at + PREFIX + DIGITS;
        int stop = p + MOST_DIGITS - DIGITS;
        while (b[p] != ',') {
            int digit = HEX[b[p] & 0xff];
            if (digit < 0 || p == stop) {
                return -1;
            }
            address = address << 4 | digit;
            p++;
        }
        p++;
        int size = b[p++] - '0';
        if (size < 1 || size > 9) {
            return -1;
        }
        int c;
        while ((c = b[p++]) != '\n') {
            if (c < '0' || c > '9') {
                return -1;
            }
            size = size * 10 + c - '0';
            if (size > Reference.MAX_SIZE) {
                return -1;
            }
        }
        if (address < 0 || address > Reference.ADDRESS_LIMIT - size) {
            return -1;
        }
        end = p;
        return Reference.pack(kind, address, size);
    }

    private static int kind(byte[] b, int at) {
        if (b[at] == 'I') {
            return b[at + 1] == ' ' && b[at + 2] == ' ' ? Reference.FETCH : -1;
        }
        if (b[at] != ' ' || b[at + 2] != ' ') {
            return -1;
        }
        return switch (b[at + 1]) {
            case 'L' -> Reference.LOAD;
            case 'S' -> Reference.STORE;
            case 'M' -> Reference.MODIFY;
            default -> -1;
        };
    }

    /** Whether all eight characters are digits or lower-case letters to f. */
    private static boolean areHexadecimal(long characters) {
        // Adding sets the high bit of every character that is at least as large as the bound.
        long low = characters & ~HIGH_BITS;
        long digit = low + (0x80 - '0') * EACH & ~(low + (0x80 - '9' - 1) * EACH);
        long letter = low + (0x80 - 'a') * EACH & ~(low + (0x80 - 'f' - 1) * EACH);
        return ((digit | letter) & ~characters & HIGH_BITS) == HIGH_BITS;
    }

    private static long fromHexadecimal(long characters) {
        long nibbles = (characters & 0x0f * EACH) + (characters >>> 6 & EACH) * 9;
        long bytes = (nibbles | nibbles >>> 4) & 0x00ff00ff00ff00ffL;
        long shorts = (bytes | bytes >>> 8) & 0x0000ffff0000ffffL;
        return (shorts | shorts >>> 16) & 0xffffffffL;
    }

    /** Takes the next line as text. Returns false if it is not complete. */
    private boolean textLine() throws IOException {
        int p = next;
        while (p < limit && text[p] != '\n') {
            p++;
        }
        if (p == limit) {
            return false;
        }
        String rest = new String(text, next, p - next, StandardCharsets.UTF_8);
        next = p + 1;
        do {
            Matcher reference = REFERENCE.matcher(rest);
            if (reference.matches()) {
                lines.reference(line);
                add(reference(reference));
                rest = "";
            } else {
                rest = lines.take(rest, line);
            }
        } while (!rest.isEmpty());
        line++;
        return true;
    }

    /** The same as the quick way, for short addresses and for a word about what is wrong. */
    private long reference(Matcher reference) throws BadInput {
        String address = reference.group(2);
        String size = reference.group(3);
        if (!SIZE.matcher(size).matches() || Integer.parseInt(size) > Reference.MAX_SIZE) {
            throw bad("an access of " + BadInput.quote(size) + " bytes, expected 1 to " + Reference.MAX_SIZE);
        }
        int bytes = Integer.parseInt(size);
        if (!ADDRESS.matcher(address).matches() || Long.parseLong(address, 16) > Reference.ADDRESS_LIMIT - bytes) {
            throw bad("an access at " + BadInput.quote(address) + ", expected a hexadecimal address of 47 bits");
        }
        int kind = "ILSM".indexOf(reference.group(1).trim());
        return Reference.pack(kind, Long.parseLong(address, 16), bytes);
    }

    private BadInput bad(String problem) {
        return new BadInput(source, line, problem);
    }
}
