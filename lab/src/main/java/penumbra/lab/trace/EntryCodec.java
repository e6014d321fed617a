// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;

/** Calls and changes of descriptors as bytes: a number for what it is, then its parts in the order of the record. */
final class EntryCodec {
    private static final int MMAP = 1;
    private static final int MUNMAP = 2;
    private static final int MPROTECT = 3;
    private static final int MREMAP = 4;
    private static final int BRK = 5;
    private static final int MADVISE = 6;
    private static final int MSYNC = 7;
    private static final int MINCORE = 8;
    private static final int MLOCK = 9;
    private static final int MUNLOCK = 10;
    private static final int FORK = 11;
    private static final int THREAD_START = 12;
    private static final int EXEC = 13;
    private static final int KERNEL_WRITE = 14;
    private static final int OTHER = 15;
    private static final int OPEN = 16;
    private static final int CLOSE = 17;
    private static final int DUPLICATE = 18;
    private static final int CLOSE_ON_EXEC = 19;
    private static final int CHANGE_DIRECTORY = 20;

    private EntryCodec() {}

    static void write(Entry entry, ByteWriter out) throws IOException {
        if (entry instanceof DescriptorChange change) {
            writeChange(change, out);
        } else if (entry instanceof Call.Mmap c) {
            numbers(out, MMAP, c.address(), c.length(), c.protection(), c.flags(), c.descriptor());
            out.number(c.offset());
            out.number(c.result());
        } else if (entry instanceof Call.Munmap c) {
            numbers(out, MUNMAP, c.address(), c.length());
        } else if (entry instanceof Call.Mprotect c) {
            numbers(out, MPROTECT, c.address(), c.length(), c.protection());
        } else if (entry instanceof Call.Mremap c) {
            numbers(out, MREMAP, c.address(), c.oldLength(), c.newLength(), c.flags(), c.target(), c.result());
        } else if (entry instanceof Call.Brk c) {
            numbers(out, BRK, c.requested(), c.result());
        } else if (entry instanceof Call.Madvise c) {
            numbers(out, MADVISE, c.address(), c.length(), c.advice());
        } else if (entry instanceof Call.Msync c) {
            numbers(out, MSYNC, c.address(), c.length(), c.flags());
        } else if (entry instanceof Call.Mincore c) {
            numbers(out, MINCORE, c.address(), c.length());
        } else if (entry instanceof Call.Mlock c) {
            numbers(out, MLOCK, c.address(), c.length());
        } else if (entry instanceof Call.Munlock c) {
            numbers(out, MUNLOCK, c.address(), c.length());
        } else if (entry instanceof Call.KernelWrite c) {
            numbers(out, KERNEL_WRITE, c.address(), c.length());
        } else {
            writeLife(entry, out);
        }
    }

    private static void writeLife(Entry entry, ByteWriter out) throws IOException {
        if (entry instanceof Call.Fork c) {
            numbers(out, FORK, c.pid(), c.flags());
        } else if (entry instanceof Call.ThreadStart c) {
            numbers(out, THREAD_START, c.tid(), c.flags());
        } else if (entry instanceof Call.Exec c) {
            out.octet(EXEC);
            out.text(c.command());
        } else if (entry instanceof Call.OtherMemoryCall c) {
            numbers(out, OTHER, c.number(), c.result());
            out.text(c.name());
            out.text(c.arguments());
        } else {
            throw new IllegalArgumentException("no encoding for " + entry);
        }
    }

    private static void writeChange(DescriptorChange change, ByteWriter out) throws IOException {
        if (change instanceof DescriptorChange.Open c) {
            numbers(out, OPEN, c.descriptor(), c.directory(), c.closeOnExec() ? 1 : 0);
            out.text(c.path());
        } else if (change instanceof DescriptorChange.Close c) {
            numbers(out, CLOSE, c.first(), c.last());
        } else if (change instanceof DescriptorChange.Duplicate c) {
            numbers(out, DUPLICATE, c.descriptor(), c.copy(), c.closeOnExec() ? 1 : 0);
        } else if (change instanceof DescriptorChange.CloseOnExec c) {
            numbers(out, CLOSE_ON_EXEC, c.descriptor(), c.closeOnExec() ? 1 : 0);
        } else if (change instanceof DescriptorChange.ChangeDirectory c) {
            numbers(out, CHANGE_DIRECTORY, c.directory());
            out.text(c.path());
        }
    }

    private static void numbers(ByteWriter out, int what, long... parts) throws IOException {
        out.octet(what);
        for (long part : parts) {
            out.number(part);
        }
    }

    static Entry read(ByteReader in) throws IOException {
        int what = in.octet();
        return switch (what) {
            case MMAP ->
                new Call.Mmap(
                        in.number(),
                        in.number(),
                        (int) in.number(),
                        (int) in.number(),
                        (int) in.number(),
                        in.number(),
                        in.number(),
                        null);
            case MUNMAP -> new Call.Munmap(in.number(), in.number());
            case MPROTECT -> new Call.Mprotect(in.number(), in.number(), (int) in.number());
            case MREMAP ->
                new Call.Mremap(in.number(), in.number(), in.number(), (int) in.number(), in.number(), in.number());
            case BRK -> new Call.Brk(in.number(), in.number());
            case MADVISE -> new Call.Madvise(in.number(), in.number(), (int) in.number());
            case MSYNC -> new Call.Msync(in.number(), in.number(), (int) in.number());
            case MINCORE -> new Call.Mincore(in.number(), in.number());
            case MLOCK -> new Call.Mlock(in.number(), in.number());
            case MUNLOCK -> new Call.Munlock(in.number(), in.number());
            case KERNEL_WRITE -> new Call.KernelWrite(in.number(), in.number());
            case FORK -> new Call.Fork((int) in.number(), in.number(), null);
            case THREAD_START -> new Call.ThreadStart((int) in.number(), in.number());
            case EXEC -> new Call.Exec(in.text());
            case OTHER -> {
                int number = (int) in.number();
                long result = in.number();
                yield new Call.OtherMemoryCall(number, in.text(), in.text(), result);
            }
            case OPEN -> {
                int descriptor = (int) in.number();
                int directory = (int) in.number();
                boolean closeOnExec = in.number() != 0;
                yield new DescriptorChange.Open(descriptor, directory, in.text(), closeOnExec);
            }
            case CLOSE -> new DescriptorChange.Close((int) in.number(), (int) in.number());
            case DUPLICATE -> new DescriptorChange.Duplicate((int) in.number(), (int) in.number(), in.number() != 0);
            case CLOSE_ON_EXEC -> new DescriptorChange.CloseOnExec((int) in.number(), in.number() != 0);
            case CHANGE_DIRECTORY -> new DescriptorChange.ChangeDirectory((int) in.number(), in.text());
            default -> throw in.damaged("an unknown call " + what);
        };
    }
}
