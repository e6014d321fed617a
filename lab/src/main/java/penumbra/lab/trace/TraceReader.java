// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Decodes one process as {@link TraceFormat} says, and finds the files behind its mappings. */
final class TraceReader implements Closeable {
    /** Knows the child of a fork, and keeps what it inherits until it is read itself. */
    interface Births {
        @Nullable
        RecordedProcess born(int pid, Descriptors inherited);
    }

    private final ByteReader in;
    private final Descriptors descriptors;
    private final Births births;
    private final Predictor predictor = new Predictor();
    private final long[] byKind = new long[Reference.KINDS];
    private @Nullable Call call;
    private boolean ended;

    TraceReader(ByteReader in, Descriptors descriptors, Births births) {
        this.in = in;
        this.descriptors = descriptors;
        this.births = births;
    }

    /**
     * Decodes references until the array is full, a call stands in the way or the process ends.
     *
     * @return how many there are, possibly none
     */
    int references(long[] into) throws IOException {
        call = null;
        int count = 0;
        long seen = 0;
        while (count < into.length && !ended && call == null) {
            int tag = in.octet();
            long reference;
            if (tag < TraceFormat.DATA) {
                reference = fetch(tag);
            } else if (tag <= TraceFormat.LONG_FETCH) {
                if (tag != TraceFormat.LONG_FETCH) {
                    special(tag);
                    continue;
                }
                reference = fetched(size(), predictor.following() + in.difference());
            } else {
                reference = access(tag);
            }
            seen |= reference;
            byKind[Reference.kind(reference)]++;
            into[count++] = reference;
        }
        if (seen < 0) {
            throw in.damaged("an address beyond 47 bits");
        }
        return count;
    }

    private long fetch(int tag) throws IOException {
        int size = tag & TraceFormat.SIZE_BITS;
        if (size == 0) {
            throw in.damaged("an unknown mark " + tag);
        }
        return switch (tag & TraceFormat.FETCH_FORM) {
            case 0 -> fetched(size, predictor.following());
            case TraceFormat.JUMP_GUESSED -> fetched(size, predictor.jump());
            case TraceFormat.JUMP -> {
                long address = predictor.following() + in.difference();
                predictor.jumped(address);
                yield fetched(size, address);
            }
            default -> throw in.damaged("an unknown mark " + tag);
        };
    }

    private long fetched(int size, long address) {
        predictor.fetched(address, size);
        return checked(Reference.FETCH, address, size);
    }

    private long access(int tag) throws IOException {
        int kind = tag >>> TraceFormat.KIND_SHIFT & TraceFormat.KIND_BITS;
        int power = tag & TraceFormat.SIZE_BITS;
        int size = power == TraceFormat.OTHER_SIZE ? size() : 1 << power;
        if (kind == Reference.FETCH || size > Reference.MAX_SIZE) {
            throw in.damaged("an unknown mark " + tag);
        }
        long address = predictor.data();
        if ((tag & TraceFormat.ELSEWHERE) != 0) {
            address += in.difference();
        }
        predictor.accessed(address);
        return checked(kind, address, size);
    }

    /** A packed reference, negative if it does not lie in user memory. */
    private static long checked(int kind, long address, int size) {
        long outside = (address | Reference.ADDRESS_LIMIT - size - address) & Long.MIN_VALUE;
        return Reference.pack(kind, address, size) | outside;
    }

    private int size() throws IOException {
        return in.number(1, Reference.MAX_SIZE);
    }

    private void special(int tag) throws IOException {
        if (tag == TraceFormat.END) {
            for (long count : byKind) {
                if (in.number() != count) {
                    throw in.damaged("another number of references than it says");
                }
            }
            in.end();
            ended = true;
            return;
        }
        Entry entry = EntryCodec.read(in);
        if (entry instanceof DescriptorChange change) {
            descriptors.apply(change);
        } else if (entry instanceof Call made) {
            call = resolved(made);
        }
    }

    private Call resolved(Call made) {
        if (made instanceof Call.Mmap mmap) {
            return mmap.withPath(descriptors.path(mmap.descriptor()));
        }
        if (made instanceof Call.Fork fork) {
            return fork.withChild(births.born(fork.pid(), descriptors.copy()));
        }
        if (made instanceof Call.Exec) {
            descriptors.exec();
        }
        return made;
    }

    /** The call behind the references of the last reading, null if none. */
    @Nullable
    Call call() {
        return call;
    }

    /** True once the process has exited. */
    boolean ended() {
        return ended;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
