// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.Prot;
import penumbra.lab.model.ProcessModel;
import penumbra.lab.trace.Call;
import penumbra.lab.trace.RecordedProcess;
import penumbra.lab.trace.Reference;
import penumbra.lab.trace.Trace;
import penumbra.process.Process;

/**
 * One recorded process as it runs again: each reference goes to a CPU and to the content model, each call to the map.
 *
 * <p>One thread at a time runs it. A child that shares its parent's memory (vfork) runs in the parent's address space
 * until it begins a program of its own or exits; the parent waits for that.
 */
final class ReplayedProcess {
    /** In whose name recorded programs reserve swap. */
    private static final Cred CRED = new Cred(1001);

    private final Replay replay;
    private final RecordedProcess recorded;
    private final Trace trace;
    private final byte[] buffer = new byte[Reference.MAX_SIZE];
    private final byte[] stored = new byte[Reference.MAX_SIZE];
    private Process process;
    private ProcessModel model;
    private @Nullable AssumedMemory assumed;
    private @Nullable MapCalls calls;
    private @Nullable ReplayedProcess lender;
    private @Nullable ReplayedProcess borrower;
    private Stores stores;
    private Trace.Step step = Trace.Step.CALL;
    private int position;
    private boolean begun;

    /** The number of the last store; shared by a parent and a child in one memory. */
    private static final class Stores {
        long last;
    }

    /** A root: it begins its program with its first call. */
    ReplayedProcess(Replay replay, RecordedProcess recorded) throws IOException {
        this.replay = replay;
        this.recorded = recorded;
        this.trace = replay.recording().open(recorded);
        this.process = replay.kernel().processes().create(name(recorded), CRED);
        this.model = replay.contents().process(recorded.index());
        this.stores = new Stores();
    }

    /** A child that {@code parent} has just forked. */
    private ReplayedProcess(ReplayedProcess parent, RecordedProcess recorded, boolean sharesMemory) throws IOException {
        this.replay = parent.replay;
        this.recorded = recorded;
        this.trace = replay.recording().open(recorded);
        if (sharesMemory) {
            this.process = replay.kernel().processes().vfork(parent.process, name(recorded));
            this.model = parent.model;
            this.assumed = parent.assumed;
            this.calls = parent.calls;
            this.stores = parent.stores;
            this.lender = parent;
            parent.borrower = this;
        } else {
            @Nullable Process child = replay.kernel().processes().fork(parent.process, name(recorded));
            if (child == null) {
                throw new RunFailed("fork of process " + parent.recorded.pid() + ": its swap cannot be reserved");
            }
            this.process = child;
            this.model = parent.model.fork(recorded.index());
            this.stores = new Stores();
            MapCalls parentCalls = parent.requireCalls();
            AssumedMemory childAssumed = parent.requireAssumed().forked(child.space(), model);
            this.assumed = childAssumed;
            this.calls = new MapCalls(
                    replay.contents(), replay.files(), child.space(), model, childAssumed, parentCalls.breakEnd());
        }
    }

    private static String name(RecordedProcess recorded) {
        return recorded.pid() + " " + recorded.command();
    }

    RecordedProcess recorded() {
        return recorded;
    }

    Process process() {
        return process;
    }

    /** Whether it waits for a child that runs in its memory. */
    boolean waits() {
        return borrower != null;
    }

    private MapCalls requireCalls() {
        if (calls == null) {
            throw new RunFailed(recorded.source() + ": a call before the program has begun");
        }
        return calls;
    }

    private AssumedMemory requireAssumed() {
        if (assumed == null) {
            throw new RunFailed(recorded.source() + ": a reference before the program has begun");
        }
        return assumed;
    }

    /**
     * Runs up to {@code quantum} references on {@code cpu}, and the calls between them.
     *
     * @return whether there is more to come; false after the exit
     */
    boolean run(Cpu cpu, int quantum) throws IOException {
        replay.kernel().processes().run(cpu, process);
        int left = quantum;
        while (left > 0) {
            if (step != Trace.Step.REFERENCES || position == trace.count()) {
                step = trace.next();
                position = 0;
                if (step == Trace.Step.END) {
                    exit();
                    return false;
                }
                if (step == Trace.Step.CALL) {
                    call(cpu, trace.call());
                    if (waits()) {
                        return true;
                    }
                    continue;
                }
            }
            int end = Math.min(trace.count(), position + Math.min(left, Replay.POLL_INTERVAL));
            left -= end - position;
            int start = position;
            execute(cpu, end);
            replay.ran(end - start);
        }
        return true;
    }

    /** Executes the references up to {@code end} of this step; extends files that turn out to be too short. */
    private void execute(Cpu cpu, int end) throws IOException {
        while (position < end) {
            cpu.enterUser();
            try {
                if (replay.exclusive()) {
                    execute(cpu, trace.references(), end);
                } else {
                    executeShared(cpu, trace.references(), end);
                }
            } catch (MemoryFault fault) {
                refused(fault);
            } finally {
                cpu.leaveUser();
            }
        }
    }

    private void execute(Cpu cpu, long[] references, int end) throws IOException {
        while (position < end) {
            reference(cpu, references[position]);
            position++;
        }
    }

    /** The same among CPUs that may store to the same pages: access and note are one step for such a page. */
    private void executeShared(Cpu cpu, long[] references, int end) throws IOException {
        while (position < end) {
            long reference = references[position];
            long address = Reference.address(reference);
            @Nullable Object page = replay.sharesMemory() ? model.sharedPage(address) : null;
            if (page == null) {
                reference(cpu, reference);
            } else {
                // A thread that may wait must not be in user mode: a shootdown would wait for it.
                cpu.leaveUser();
                synchronized (page) {
                    cpu.enterUser();
                    reference(cpu, reference);
                }
            }
            position++;
        }
    }

    private void reference(Cpu cpu, long reference) throws IOException {
        int kind = Reference.kind(reference);
        int size = Reference.size(reference);
        long address = Reference.address(reference);
        if (AssumedMemory.concerns(address)) {
            touch(cpu, address, size);
        }
        if (size > Long.BYTES) {
            largeReference(cpu, kind, address, size);
            return;
        }
        switch (kind) {
            case Reference.FETCH -> {
                long value = cpu.fetch(address, size);
                if (!model.check(address, size, value)) {
                    mismatch(address, size, value, "fetch");
                }
            }
            case Reference.LOAD -> load(cpu, address, size);
            case Reference.STORE -> store(cpu, address, size);
            default -> {
                load(cpu, address, size);
                store(cpu, address, size);
            }
        }
    }

    private void touch(Cpu cpu, long address, int size) throws IOException {
        AssumedMemory memory = requireAssumed();
        if (memory.isNew(address, size)) {
            cpu.leaveUser();
            memory.touch(address, size);
            cpu.enterUser();
        }
    }

    private void load(Cpu cpu, long address, int size) {
        long value = cpu.load(address, size);
        if (!model.check(address, size, value)) {
            mismatch(address, size, value, "load");
        }
    }

    private void store(Cpu cpu, long address, int size) {
        cpu.store(address, size, model.store(address, size, ++stores.last));
    }

    private void largeReference(Cpu cpu, int kind, long address, int size) {
        if (kind != Reference.STORE) {
            cpu.load(address, kind == Reference.FETCH ? Prot.EXECUTE : Prot.READ, buffer, 0, size);
            if (!model.check(address, size, buffer)) {
                mismatch(address, size, buffer, kind == Reference.FETCH ? "fetch" : "load");
            }
        }
        if (kind == Reference.STORE || kind == Reference.MODIFY) {
            model.store(address, size, ++stores.last, stored);
            cpu.store(address, stored, 0, size);
        }
    }

    private void mismatch(long address, int size, long value, String access) {
        byte[] found = new byte[size];
        for (int i = 0; i < size; i++) {
            found[i] = (byte) (value >>> i * Byte.SIZE);
        }
        mismatch(address, size, found, access);
    }

    private void mismatch(long address, int size, byte[] found, String access) {
        throw new RunFailed(
                new Findings(replay.kernel()).mismatch(name(recorded), process, model, address, size, found, access)
                        + System.lineSeparator()
                        + replay.howToRepeat());
    }

    private void refused(MemoryFault fault) {
        if (process.killed()) {
            throw new RunFailed(process.killReason());
        }
        @Nullable String unreadable = replay.files().unreadable();
        if (unreadable != null) {
            throw new RunFailed(unreadable);
        }
        if (!requireCalls().extendFileAt(fault.address())) {
            throw new RunFailed(new Findings(replay.kernel()).refused(name(recorded), process, fault)
                    + System.lineSeparator()
                    + replay.howToRepeat());
        }
    }

    private void call(Cpu cpu, Call call) throws IOException {
        // Who begins a program needs no memory yet; everybody else has had his.
        if (call instanceof Call.Exec exec) {
            exec(cpu, exec);
            return;
        }
        MapCalls map = requireCalls();
        replay.called();
        if (call instanceof Call.Mmap mmap) {
            map.mmap(mmap);
            replay.mapped(mmap);
        } else if (call instanceof Call.Munmap munmap) {
            map.munmap(munmap);
        } else if (call instanceof Call.Mprotect mprotect) {
            map.mprotect(mprotect);
        } else if (call instanceof Call.Mremap mremap) {
            map.mremap(mremap);
        } else if (call instanceof Call.Brk brk) {
            map.brk(brk);
        } else if (call instanceof Call.Madvise madvise) {
            map.madvise(madvise);
        } else if (call instanceof Call.Msync msync) {
            map.msync(msync);
        } else if (call instanceof Call.Mincore mincore) {
            map.mincore(mincore);
        } else if (call instanceof Call.Mlock mlock) {
            map.mlock(mlock);
        } else if (call instanceof Call.Munlock munlock) {
            map.munlock(munlock);
        } else if (call instanceof Call.KernelWrite write) {
            kernelWrite(cpu, write);
        } else if (call instanceof Call.Fork fork) {
            fork(fork);
        } else if (call instanceof Call.OtherMemoryCall) {
            throw new RunFailed(call + ": no map operation is known for this call");
        }
        // What is left is the start of a thread: it runs in this memory, among these references.
    }

    /** A new program: a new address space in place of the old one. */
    private void exec(Cpu cpu, Call.Exec exec) throws IOException {
        if (begun || lender != null || calls != null) {
            leaveMemory();
            replay.kernel().processes().exec(process);
            replay.kernel().processes().run(cpu, process);
            model = replay.contents().process(recorded.index());
            stores = new Stores();
        }
        begun = true;
        AssumedMemory memory = AssumedMemory.begin(replay.files(), process.space(), model, exec.command());
        assumed = memory;
        calls = new MapCalls(replay.contents(), replay.files(), process.space(), model, memory, 0);
    }

    /** Gives up this memory: borrowed, it goes back to the parent, else the model forgets it. */
    private void leaveMemory() {
        ReplayedProcess parent = lender;
        if (parent != null) {
            lender = null;
            parent.borrower = null;
            replay.resumed(parent);
        } else {
            if (assumed != null) {
                replay.left(recorded, assumed);
            }
            model.close();
        }
        assumed = null;
        calls = null;
    }

    private void fork(Call.Fork fork) throws IOException {
        replay.forked();
        @Nullable RecordedProcess child = fork.child();
        if (child == null) {
            return;
        }
        boolean shares = (fork.flags() & Call.Fork.SHARES_MEMORY) != 0;
        replay.start(new ReplayedProcess(this, child, shares));
    }

    private void kernelWrite(Cpu cpu, Call.KernelWrite write) throws IOException {
        long done = 0;
        while (done < write.length()) {
            int piece = (int) Math.min(write.length() - done, stored.length);
            long address = write.address() + done;
            cpu.enterUser();
            try {
                if (AssumedMemory.concerns(address)) {
                    touch(cpu, address, piece);
                }
                model.store(address, piece, ++stores.last, stored);
                cpu.store(address, stored, 0, piece);
                done += piece;
            } catch (MemoryFault fault) {
                refused(fault);
            } finally {
                cpu.leaveUser();
            }
        }
    }

    private void exit() {
        leaveMemory();
        replay.kernel().processes().exit(process);
        trace.close();
    }
}
