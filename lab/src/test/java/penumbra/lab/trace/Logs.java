// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Small logs, and what is read from them as text. */
final class Logs {
    private Logs() {}

    /** A log of a program with this header, the lines, and an orderly end. */
    static String fresh(int pid, String command, String... lines) {
        return header(pid, command, 1) + body(lines) + end(pid);
    }

    /** A log of a process that goes on where its parent forked. */
    static String continued(int pid, int parent, String... lines) {
        return header(pid, "program", parent) + " --> [pre-success] Success(0x0) \n" + body(lines) + end(pid);
    }

    static String header(int pid, String command, int parent) {
        return ("==P== Lackey, an example Valgrind tool\n"
                        + "==P== Copyright (C) 2002-2017, and GNU GPL'd, by Nicholas Nethercote.\n"
                        + "==P== Using Valgrind-3.19.0 and LibVEX; rerun with -h for copyright info\n"
                        + "==P== Command: " + command + "\n==P== Parent PID: " + parent + "\n==P== \n")
                .replace("==P==", "==" + pid + "==");
    }

    private static String body(String... lines) {
        StringBuilder body = new StringBuilder();
        for (String line : lines) {
            body.append(line).append('\n');
        }
        return body.toString();
    }

    static String end(int pid) {
        return "==P== \n==P== Counted 0 calls to main()\n==P== \n==P== Exit code:       0\n"
                .replace("==P==", "==" + pid + "==");
    }

    /** What a parser makes of a log, a line for each reference and entry. */
    static List<String> parse(String log) throws IOException {
        Collected collected = new Collected();
        LogParser parser = new LogParser("test.log", collected);
        ByteArrayInputStream in = new ByteArrayInputStream(log.getBytes(StandardCharsets.UTF_8));
        while (parser.read(in)) {
            // All of it.
        }
        parser.finish();
        return collected.lines;
    }

    /** What a program of these lines does, without the exec at its start. */
    static List<String> parseLines(String... lines) throws IOException {
        List<String> all = parse(fresh(100, "program", lines));
        return all.subList(1, all.size());
    }

    /** Everything that a trace brings, a line for each reference and call. */
    static List<String> steps(Trace trace) throws IOException {
        Collected collected = new Collected();
        for (Trace.Step step = trace.next(); step != Trace.Step.END; step = trace.next()) {
            if (step == Trace.Step.CALL) {
                collected.entry(trace.call());
            } else {
                collected.references(trace.references(), trace.count());
            }
        }
        return collected.lines;
    }

    static String text(long reference) {
        return "ILSM".charAt(Reference.kind(reference)) + " " + Long.toHexString(Reference.address(reference)) + ","
                + Reference.size(reference);
    }

    private static final class Collected implements TraceSink {
        final List<String> lines = new ArrayList<>();

        @Override
        public void references(long[] references, int count) {
            for (int i = 0; i < count; i++) {
                lines.add(text(references[i]));
            }
        }

        @Override
        public void entry(Entry entry) {
            lines.add(entry.toString());
        }
    }
}
