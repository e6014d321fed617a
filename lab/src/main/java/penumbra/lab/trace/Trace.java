// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;

/**
 * One recorded process, pulled step by step in the order in which it ran. A step is a row of references, or a call,
 * or the end: the end of the trace is the exit of the process. A quantum that ends within a row is the reader's own
 * affair; rows are as long as they come. For one thread at a time.
 */
public interface Trace extends Closeable {
    /** What {@link #next} found. */
    enum Step {
        /** {@link #references} holds {@link #count} packed references, at least one. */
        REFERENCES,
        /** {@link #call} holds a call. */
        CALL,
        /** The process has exited; every further step is this one. */
        END
    }

    /** The most references that one step brings. */
    int MAX_REFERENCES = 8192;

    /**
     * Goes to the next step; may block until the reader thread has it.
     *
     * @throws BadInput if the recording is damaged
     */
    Step next() throws IOException;

    /** References in the form of {@link Reference}; valid until the next step. */
    long[] references();

    /** How many of {@link #references} count. */
    int count();

    /** The call of this step. */
    Call call();

    /** Gives up the trace; blocks for nothing. */
    @Override
    void close();
}
