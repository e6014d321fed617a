// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Understands the lines of a log that are no references: Valgrind's own words and system calls with their results,
 * which stand on the same line, on the next, or, for a call that may block, on a later one of the same thread.
 */
final class LogLines {
    /** Where the entries go that lines give rise to. */
    interface Entries {
        void take(Entry entry) throws IOException;
    }

    /** Valgrind's own words: the number of the process between two equal marks, then anything. */
    private static final Pattern WORDS = Pattern.compile("(==|--|\\*\\*)(\\d{1,10})\\1 ?(.*)");

    /** The head of a call: process, thread, number, and the rest. */
    private static final Pattern CALL =
            Pattern.compile("SYSCALL\\[(\\d{1,10}),(\\d{1,10})]\\( *(\\d{1,9})\\) (.*)", Pattern.DOTALL);

    /** The result of an earlier call, in place of a name. */
    private static final Pattern LATE =
            Pattern.compile("\\.\\.\\. \\[async] --> (?:(Success|Failure)\\(0x([0-9a-f]{1,16})\\)|NoWriteResult) ?");

    /** How a call ends that is over, or that says it has only begun. */
    private static final Pattern TAIL = Pattern.compile("(?:\\[sync] --> | --> \\[pre-(?:success|fail)] )"
            + "(?:(Success|Failure)\\(0x([0-9a-f]{1,16})\\)|NoWriteResult) ?"
            + "|( --> \\[async] \\.\\.\\. ?)");

    /** The group of {@link #TAIL} that matches a call that has only begun. */
    private static final int BLOCKED = 3;

    private static final Pattern CREATED = Pattern.compile("fork\\)?: process (\\d{1,10}) created child (\\d{1,10})");

    /** How a child's log goes on where the parent's forked. */
    private static final String CONTINUATION = " --> [pre-success] Success(0x0)";

    private static final String TOOL = "Lackey, ";
    private static final String COMMAND = "Command: ";
    private static final String PARENT = "Parent PID: ";
    private static final String INSTRUCTIONS = "  guest instrs:  ";
    private static final String EXIT = "Exit code:";

    private record Started(int thread, int number, String text, long line) {}

    private final String source;
    private final Entries entries;
    private final Map<Integer, Started> blocked = new HashMap<>();
    private final List<Integer> children = new ArrayList<>();
    private int pid = -1;
    private int parentPid = -1;
    private String command = "";
    private boolean inBody;
    private boolean continuesFork;
    private boolean complete;
    private long instructions = -1;

    /** The call on the line before, if its result is still to come. */
    private @Nullable Started open;

    /** Line ends that were cut off by another thread's output and are still to come. */
    private int owedLineEnds;

    LogLines(String source, Entries entries) {
        this.source = source;
        this.entries = entries;
    }

    /** True where references may stand: behind the header, and with no result owed by the line before. */
    boolean inBody() {
        return inBody && open == null;
    }

    /** Takes note of a reference outside the places where {@link #inBody} says that they may stand. */
    void reference(long line) throws IOException {
        enterBody(false, line);
        if (open != null) {
            throw bad(line, "the call in line " + open.line() + " has no result");
        }
    }

    /**
     * Takes a line that is no reference.
     *
     * @return what another thread of the program printed behind a result, mostly nothing
     */
    String take(String text, long line) throws IOException {
        Matcher words = WORDS.matcher(text);
        if (words.matches()) {
            words(number(words.group(2), line), words.group(3), line);
            return "";
        }
        if (!inBody) {
            enterBody(text.startsWith(CONTINUATION), line);
            if (continuesFork) {
                return text.substring(CONTINUATION.length()).trim();
            }
        }
        Matcher call = CALL.matcher(text);
        if (call.matches()) {
            return call(call, line);
        }
        Started waiting = open;
        if (waiting != null) {
            // A path may contain line ends, and some results stand on a line of their own.
            String all = waiting.text() + "\n" + text;
            if (all.length() > LogParser.LONGEST_LINE) {
                throw bad(line, "the call in line " + waiting.line() + " has no result");
            }
            return tail(new Started(waiting.thread(), waiting.number(), all, waiting.line()));
        }
        if (text.isEmpty() && owedLineEnds > 0) {
            owedLineEnds--;
            return "";
        }
        throw bad(line, "a line of no known form: " + BadInput.quote(text));
    }

    /** Fails unless the log has begun as Lackey's do. */
    void checkHeader(long line) throws BadInput {
        if (pid < 0) {
            throw bad(line, "no log of Valgrind's Lackey, expected '==PID== Lackey, ...'");
        }
    }

    private void enterBody(boolean continuing, long line) throws IOException {
        if (inBody) {
            return;
        }
        checkHeader(line);
        inBody = true;
        continuesFork = continuing;
        if (!continuing) {
            entries.take(new Call.Exec(command));
        }
    }

    private void words(int process, String words, long line) throws BadInput {
        if (pid < 0) {
            if (!words.startsWith(TOOL)) {
                throw bad(line, "no log of Valgrind's Lackey, but " + BadInput.quote(words));
            }
            pid = process;
        }
        checkProcess(process, line);
        if (!inBody && words.startsWith(COMMAND)) {
            command = words.substring(COMMAND.length());
        } else if (!inBody && words.startsWith(PARENT)) {
            parentPid = number(words.substring(PARENT.length()), line);
        } else if (words.startsWith(INSTRUCTIONS)) {
            instructions = count(words.substring(INSTRUCTIONS.length()), line);
        } else if (words.startsWith(EXIT)) {
            complete = true;
        }
    }

    private String call(Matcher call, long line) throws IOException {
        checkProcess(number(call.group(1), line), line);
        int thread = number(call.group(2), line);
        int number = number(call.group(3), line);
        String text = call.group(4);
        if (open != null) {
            throw bad(line, "the call in line " + open.line() + " has no result");
        }
        Matcher late = LATE.matcher(text);
        if (!late.lookingAt()) {
            return tail(new Started(thread, number, text, line));
        }
        Started started = blocked.get(thread);
        if (started == null || started.number() != number) {
            throw bad(line, "the result of a call that thread " + thread + " did not make");
        }
        blocked.remove(thread);
        finished(started, late);
        return rest(text, late.end());
    }

    /** Looks for the end of a call, and leaves the call open if there is none yet. */
    private String tail(Started call) throws IOException {
        Matcher tail = TAIL.matcher(call.text());
        if (!tail.find()) {
            // Valgrind's complaint about a call that it does not know takes the place of the name.
            open = call;
            return "";
        }
        open = null;
        Started bare = new Started(call.thread(), call.number(), call.text().substring(0, tail.start()), call.line());
        if (tail.group(BLOCKED) != null) {
            blocked.put(call.thread(), bare);
        } else {
            finished(bare, tail);
        }
        return rest(call.text(), tail.end());
    }

    private String rest(String text, int from) {
        String rest = text.substring(from);
        if (!rest.isEmpty()) {
            owedLineEnds++;
        }
        return rest;
    }

    private void finished(Started call, Matcher result) throws IOException {
        if (!"Success".equals(result.group(1))) {
            return;
        }
        List<Entry> found = new ArrayList<>();
        try {
            interpret(call, Long.parseUnsignedLong(result.group(2), 16), found);
        } catch (IllegalArgumentException e) {
            throw bad(call.line(), "call " + call.number() + ": " + e.getMessage());
        }
        for (Entry entry : found) {
            String problem = CallLimits.problem(entry);
            if (problem != null) {
                throw bad(call.line(), problem);
            }
            entries.take(entry);
        }
    }

    private void interpret(Started call, long result, List<Entry> found) throws BadInput {
        Matcher created = CREATED.matcher(call.text());
        if (created.find()) {
            checkProcess(number(created.group(1), call.line()), call.line());
            int child = number(created.group(2), call.line());
            children.add(child);
            found.add(LinuxCalls.fork(call.number(), arguments(call.text().substring(0, created.start())), child));
        } else {
            String text = call.text();
            int open = text.indexOf('(');
            String name = open < 0 ? text : text.substring(0, open).trim();
            LinuxCalls.interpret(call.number(), name, arguments(text), result, found);
        }
    }

    /** What stands between the parentheses behind the name. */
    private static String arguments(String call) {
        int open = call.indexOf('(');
        int close = call.lastIndexOf(')');
        return open < 0 || close < open ? "" : call.substring(open + 1, close);
    }

    List<Integer> children() {
        return children;
    }

    boolean isComplete() {
        return complete;
    }

    /** Ends the log behind its last line. */
    LogSummary finish(long line) throws IOException {
        enterBody(false, line);
        return new LogSummary(pid, parentPid, command, continuesFork, children, complete, instructions);
    }

    private void checkProcess(int process, long line) throws BadInput {
        if (process != pid) {
            throw bad(line, "process " + process + " in the log of process " + pid);
        }
    }

    private int number(String digits, long line) throws BadInput {
        try {
            return Integer.parseInt(digits.trim());
        } catch (NumberFormatException e) {
            throw bad(line, "no number: " + BadInput.quote(digits));
        }
    }

    private long count(String digits, long line) throws BadInput {
        try {
            return Long.parseLong(digits.trim().replace(",", ""));
        } catch (NumberFormatException e) {
            throw bad(line, "no number: " + BadInput.quote(digits));
        }
    }

    private BadInput bad(long line, String problem) {
        return new BadInput(source, line, problem);
    }
}
