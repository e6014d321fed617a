// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/** Operations of a structure in two threads, whose interleavings, up to a number, a model checker tries. */
public final class Operations {
    static final int INTERLEAVINGS = Integer.getInteger("penumbra.interleavings", 60);

    /** Random scenarios of {@link #PER_THREAD} operations a thread; the checker's seeds are always the same. */
    private static final int SCENARIOS = 6;

    private static final int PER_THREAD = 3;

    /** A loop of so many rounds is an endless one; lists by order and pool are made in loops of some hundred. */
    private static final int ENDLESS = 1000;

    private Operations() {}

    /**
     * Lets threads call the operations of {@code structure}, a public class with a public constructor whose public
     * methods are annotated. What they return together must be what {@code model}, with methods of the same names,
     * returns when they are called one after the other in some order.
     */
    public static void explore(Class<?> structure, Class<?> model) {
        options(model).iterations(SCENARIOS).actorsAfter(1).check(structure);
    }

    /** The same for the one operation of {@code structure}, in which two threads need each other. */
    static void exploreTogether(Class<?> structure, Class<?> model) {
        options(model).iterations(1).actorsAfter(0).check(structure);
    }

    private static ModelCheckingOptions options(Class<?> model) {
        return new ModelCheckingOptions()
                .actorsBefore(0)
                .actorsPerThread(PER_THREAD)
                .invocationsPerIteration(INTERLEAVINGS)
                .loopBound(ENDLESS)
                .loopIterationsBeforeThreadSwitch(ENDLESS)
                .minimizeFailedScenario(false)
                .sequentialSpecification(model);
    }

    /** Fails with {@code what} unless {@code holds}. */
    public static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
