// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * A recording whose programs are still running: it follows their logs while they grow. Every log must keep its
 * contents for as long as it is followed, which means that an exec has to begin a new file. For one thread.
 */
public final class RecordingInProgress implements Closeable {
    /** Is told how far a log has been read. */
    public interface Consumed {
        /** Everything before this position will not be read again. */
        void upTo(Path log, long position);
    }

    private final Spool spool = new Spool();
    private final Map<Integer, GrowingLog> running = new HashMap<>();
    private final List<Member> endedLogs = new ArrayList<>();
    private final Set<Integer> begun = new HashSet<>();

    /** Children that have been forked and have not begun a log; without Valgrind's look after them they never do. */
    private final Set<Integer> awaited = new HashSet<>();

    private boolean handedOver;

    /** A recording without processes. */
    public RecordingInProgress() throws IOException {}

    /**
     * Begins to follow a log.
     *
     * @param pid the process that writes it; if its last log has no end, it has begun another program
     */
    public void begin(int pid, Path log) throws IOException {
        begun.add(pid);
        GrowingLog before = running.get(pid);
        if (before != null) {
            before.advance();
            if (!before.isComplete()) {
                before.exec(log);
                return;
            }
            endedLogs.add(before.finish());
        }
        running.put(pid, new GrowingLog(spool.part(), log));
    }

    /**
     * Which of the processes that may still add to the recording have ended. To be asked before {@link #begin} is told
     * of new logs: what a process wrote before it ended is then there when {@link #advance} reads for the last time.
     *
     * @param alive whether a process still runs
     */
    public Set<Integer> ended(IntPredicate alive) {
        Set<Integer> gone = new HashSet<>(running.keySet());
        gone.addAll(awaited);
        gone.removeIf(alive::test);
        return gone;
    }

    /**
     * Reads what has been added to the logs. A log that has been read to its end is deleted.
     *
     * @param gone the processes whose logs are read for the last time, and that begin none
     * @param consumed is told how far the other logs have been read
     * @return whether any process may still add to its log, or begin one
     */
    public boolean advance(Set<Integer> gone, Consumed consumed) throws IOException {
        boolean growing = false;
        for (Iterator<Map.Entry<Integer, GrowingLog>> logs = running.entrySet().iterator(); logs.hasNext(); ) {
            Map.Entry<Integer, GrowingLog> entry = logs.next();
            GrowingLog log = entry.getValue();
            log.advance();
            awaited.addAll(log.children());
            if (!gone.contains(entry.getKey()) && !log.isComplete()) {
                growing = true;
                consumed.upTo(log.path(), log.position());
            } else {
                endedLogs.add(log.finish());
                logs.remove();
            }
        }
        awaited.removeAll(begun);
        return growing || !gone.containsAll(awaited);
    }

    /** The finished recording, which takes over everything that was read. */
    public Recording finish() throws IOException {
        advance(Set.copyOf(running.keySet()), (log, position) -> {});
        Recording recording = new Recording();
        recording.keep(spool);
        handedOver = true;
        try {
            recording.join(endedLogs);
            return recording;
        } catch (BadInput e) {
            recording.close();
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        for (GrowingLog log : running.values()) {
            log.close();
        }
        if (!handedOver) {
            spool.close();
        }
    }
}
