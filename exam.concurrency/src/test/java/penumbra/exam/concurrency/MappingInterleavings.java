// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import penumbra.kern.KernelLock;

/** The mappings of two frames by threads that map and unmap them, wherever an MMU keeps them by frame. */
@Param(name = "who", gen = ThreadIdGen.class)
@Param(name = "frame", gen = IntGen.class, conf = "0:1")
public abstract class MappingInterleavings {
    protected static final int FRAMES = 2;

    private final MappingCounts mine = new MappingCounts();

    /** The lock of a frame's mappings, which the other methods are called with. */
    protected abstract KernelLock lockOf(int frame);

    /** Adds mapping {@code number} of a frame by thread {@code who}. */
    protected abstract void add(int who, int frame, int number);

    /** Takes mapping {@code number} of a frame by thread {@code who} out. */
    protected abstract void remove(int who, int frame, int number);

    /** How many mappings of a frame are found. */
    protected abstract int found(int frame);

    @Operation
    public int map(@Param(name = "who") int who, @Param(name = "frame") int frame) {
        int number = mine.map(who, frame);
        KernelLock lock = lockOf(frame);
        lock.lock();
        add(who, frame, number);
        lock.unlock();
        return number;
    }

    @Operation
    public int unmap(@Param(name = "who") int who, @Param(name = "frame") int frame) {
        int number = mine.unmap(who, frame);
        if (number != 0) {
            KernelLock lock = lockOf(frame);
            lock.lock();
            remove(who, frame, number);
            lock.unlock();
        }
        return number;
    }

    @Operation
    public int count(@Param(name = "frame") int frame) {
        KernelLock lock = lockOf(frame);
        lock.lock();
        int found = found(frame);
        lock.unlock();
        return found;
    }
}
