// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.function.UnaryOperator;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.pager.BackingStore;

/**
 * What stands between the layers of a machine: each operator gets the real part and returns what the layers above are
 * given in its place, to watch it or to make it fail.
 *
 * @param memory the frames, as CPUs and kernel see them
 * @param machine the machine, as the kernel sees it
 * @param mmu the translation hardware, as the pmap layer sees it
 * @param store the swap file, as the pager layer sees it
 * @param swapOpener the host, as the swap file sees it
 * @param fileOpener the host, as its file system sees it
 */
public record Interposed(
        UnaryOperator<PhysicalMemory> memory,
        UnaryOperator<Machine> machine,
        UnaryOperator<Mmu> mmu,
        UnaryOperator<BackingStore> store,
        Opener swapOpener,
        Opener fileOpener) {
    /** Everything as it is. */
    public static final Interposed NOTHING = new Interposed(
            UnaryOperator.identity(),
            UnaryOperator.identity(),
            UnaryOperator.identity(),
            UnaryOperator.identity(),
            Opener.HOST,
            Opener.HOST);

    /** The same with something in front of the frames. */
    public Interposed withMemory(UnaryOperator<PhysicalMemory> other) {
        return new Interposed(other, machine, mmu, store, swapOpener, fileOpener);
    }

    /** The same with something in front of the machine. */
    public Interposed withMachine(UnaryOperator<Machine> other) {
        return new Interposed(memory, other, mmu, store, swapOpener, fileOpener);
    }

    /** The same with something in front of the MMU. */
    public Interposed withMmu(UnaryOperator<Mmu> other) {
        return new Interposed(memory, machine, other, store, swapOpener, fileOpener);
    }

    /** The same with something in front of the swap file. */
    public Interposed withStore(UnaryOperator<BackingStore> other) {
        return new Interposed(memory, machine, mmu, other, swapOpener, fileOpener);
    }

    /** The same with something behind the swap file. */
    public Interposed withSwapOpener(Opener other) {
        return new Interposed(memory, machine, mmu, store, other, fileOpener);
    }

    /** The same with something behind the host's file system. */
    public Interposed withFileOpener(Opener other) {
        return new Interposed(memory, machine, mmu, store, swapOpener, other);
    }
}
