// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;

/** Encodes one process as {@link TraceFormat} says. */
final class TraceWriter implements TraceSink {
    private final ByteWriter out;
    private final Predictor predictor = new Predictor();
    private final long[] byKind = new long[Reference.KINDS];

    /** Writes to {@code out}, which stays open. */
    TraceWriter(ByteWriter out) {
        this.out = out;
    }

    @Override
    public void references(long[] references, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            long reference = references[i];
            int kind = Reference.kind(reference);
            byKind[kind]++;
            if (kind == Reference.FETCH) {
                fetch(Reference.address(reference), Reference.size(reference));
            } else {
                access(kind, Reference.address(reference), Reference.size(reference));
            }
        }
    }

    private void fetch(long address, int size) throws IOException {
        if (size > TraceFormat.SIZE_BITS) {
            out.octet(TraceFormat.LONG_FETCH);
            out.number(size);
            out.difference(address - predictor.following());
        } else if (address == predictor.following()) {
            out.octet(size);
        } else if (address == predictor.jump()) {
            out.octet(TraceFormat.JUMP_GUESSED | size);
        } else {
            out.octet(TraceFormat.JUMP | size);
            out.difference(address - predictor.following());
            predictor.jumped(address);
        }
        predictor.fetched(address, size);
    }

    private void access(int kind, long address, int size) throws IOException {
        int power = Integer.numberOfTrailingZeros(size);
        boolean odd = size != 1 << power;
        long difference = address - predictor.data();
        out.octet(TraceFormat.DATA
                | kind << TraceFormat.KIND_SHIFT
                | (difference == 0 ? 0 : TraceFormat.ELSEWHERE)
                | (odd ? TraceFormat.OTHER_SIZE : power));
        if (odd) {
            out.number(size);
        }
        if (difference != 0) {
            out.difference(difference);
        }
        predictor.accessed(address);
    }

    @Override
    public void entry(Entry entry) throws IOException {
        out.octet(TraceFormat.ENTRY);
        EntryCodec.write(entry, out);
    }

    /** Writes the end; nothing may follow. */
    void end() throws IOException {
        out.octet(TraceFormat.END);
        for (long count : byKind) {
            out.number(count);
        }
        out.flush();
    }

    /** What has been written. */
    ReferenceCounts counts() {
        return ReferenceCounts.of(byKind);
    }
}
