// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** A trace that is decoded a few steps ahead on the reader thread of its recording. */
final class AheadTrace implements Trace {
    /** One being used, one ready, one being decoded; {@link Trace#MAX_REFERENCES} references each. */
    private static final int BATCHES = 3;

    /** References, then possibly a call, then possibly the end. */
    private static final class Batch {
        final long[] references = new long[MAX_REFERENCES];
        int count;

        @Nullable
        Call call;

        boolean last;

        @Nullable
        Throwable failure;
    }

    private final TraceReader reader;
    private final Executor thread;
    private final BlockingQueue<Batch> free = new ArrayBlockingQueue<>(BATCHES);
    private final BlockingQueue<Batch> ready = new ArrayBlockingQueue<>(BATCHES);
    private volatile boolean closed;

    /** The batch in use; its references are used up once {@link #atCall} is set. */
    private @Nullable Batch current;

    private boolean atCall;

    AheadTrace(TraceReader reader, Executor thread) {
        this.reader = reader;
        this.thread = thread;
        for (int i = 0; i < BATCHES; i++) {
            recycle(new Batch());
        }
    }

    /** Lets the reader thread fill a batch. */
    private void recycle(Batch batch) {
        free.add(batch);
        try {
            thread.execute(this::fill);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("the recording is closed", e);
        }
    }

    private void fill() {
        Batch batch = free.remove();
        batch.count = 0;
        batch.call = null;
        batch.failure = null;
        try {
            if (!closed) {
                batch.count = reader.references(batch.references);
                batch.call = reader.call();
            }
            batch.last = closed || reader.ended();
        } catch (IOException | RuntimeException | Error e) {
            batch.failure = e;
            batch.last = true;
        }
        ready.add(batch);
    }

    @Override
    public Step next() throws IOException {
        while (true) {
            Batch batch = current;
            if (batch != null && !atCall && batch.call != null) {
                atCall = true;
                return Step.CALL;
            }
            if (batch != null && batch.last) {
                batch.count = 0;
                return end(batch);
            }
            if (batch != null) {
                recycle(batch);
            }
            batch = take();
            current = batch;
            atCall = false;
            if (batch.count > 0) {
                return Step.REFERENCES;
            }
        }
    }

    private static Step end(Batch batch) throws IOException {
        Throwable failure = batch.failure;
        if (failure instanceof IOException e) {
            throw e;
        } else if (failure != null) {
            throw new IOException("the reader thread failed", failure);
        }
        return Step.END;
    }

    private Batch take() throws IOException {
        try {
            return ready.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while reading");
        }
    }

    private Batch current() {
        Batch batch = current;
        if (batch == null) {
            throw new IllegalStateException("before the first step");
        }
        return batch;
    }

    @Override
    public long[] references() {
        return current().references;
    }

    @Override
    public int count() {
        return current().count;
    }

    @Override
    public Call call() {
        Call call = current().call;
        if (call == null || !atCall) {
            throw new IllegalStateException("no call at this step");
        }
        return call;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                thread.execute(this::closeReader);
            } catch (RejectedExecutionException e) {
                // The recording was closed first, and everything below with it.
            }
        }
    }

    private void closeReader() {
        try {
            reader.close();
        } catch (IOException e) {
            // Nothing was written through it, so nothing is lost.
        }
    }
}
