// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.record;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.CancellationException;
import penumbra.lab.trace.BadInput;
import penumbra.lab.trace.Recording;

/** The file that a compact recording is written to: it is there as a whole, or as it was before. */
public final class CompactOutput {
    private final Path target;
    private final Path directory;
    private volatile boolean cancelled;

    /**
     * Writes to this file.
     *
     * @throws BadInput if something other than a compact recording is there already, which is never replaced
     */
    public CompactOutput(Path target) throws BadInput {
        this.target = target;
        if (Files.exists(target) && !(Files.isRegularFile(target) && Recording.isCompact(target))) {
            throw new BadInput(target.toString(), "is there already and is not a compact recording");
        }
        Path parent = target.toAbsolutePath().getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new BadInput(target.toString(), "there is no such directory");
        }
        directory = parent;
    }

    /** Makes {@link #write} fail soon; from any thread. */
    public void cancel() {
        cancelled = true;
    }

    /**
     * Writes a recording, in place of one that is there. Blocks.
     *
     * @return how many bytes it takes
     * @throws CancellationException after {@link #cancel}
     */
    public long write(Recording recording) throws IOException {
        try {
            return replace(recording);
        } catch (BadInput e) {
            throw e;
        } catch (IOException e) {
            throw new BadInput(target.toString(), "cannot be written: " + e.getMessage(), e);
        }
    }

    private long replace(Recording recording) throws IOException {
        // Not a temporary file of the system: those are for their owner alone, and stay so under another name.
        Path partial = directory.resolve(
                target.getFileName() + "." + ProcessHandle.current().pid() + ".partial");
        try {
            try (OutputStream out = new Cancellable(Files.newOutputStream(partial))) {
                recording.writeCompact(out);
            }
            long size = Files.size(partial);
            Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            return size;
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    /** Compression hands something down every few milliseconds, so this is where a cancellation is noticed. */
    private final class Cancellable extends FilterOutputStream {
        Cancellable(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int at, int count) throws IOException {
            if (cancelled) {
                throw new CancellationException("stopped");
            }
            out.write(bytes, at, count);
        }
    }
}
