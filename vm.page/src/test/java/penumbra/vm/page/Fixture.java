// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import penumbra.hw.MemorySegment;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.Witness;
import penumbra.page.Page;

/** A page layer on memory of a test's choice. */
final class Fixture implements AutoCloseable {
    /** Frame number of 1 GiB, aligned to any block. */
    static final int BASE = 1 << 18;

    final TestMemory memory;
    final TestMachine machine;
    final TestPmap pmap;
    final PageSystem pages;
    private final List<TestOwner> owners = new ArrayList<>();

    Fixture(Execution execution, Fidelity fidelity, MemorySegment... segments) {
        assertThat(Witness.ON).as("the witness watches every test").isTrue();
        this.memory = new TestMemory(segments);
        this.machine = new TestMachine(execution, fidelity);
        this.pmap = new TestPmap(memory);
        this.pages = new PageSystem(memory, machine, pmap);
    }

    /** A stepped machine with the given number of pages in one aligned segment. */
    static Fixture stepped(int pages) {
        return new Fixture(Execution.STEPPED, Fidelity.CORRECTED, TestMemory.general(BASE, pages));
    }

    /** A threaded machine with the given number of pages in one aligned segment. */
    static Fixture threaded(int pages) {
        return new Fixture(Execution.THREADED, Fidelity.CORRECTED, TestMemory.general(BASE, pages));
    }

    /** An owner, locked by the caller. */
    TestOwner lockedOwner(String name) {
        TestOwner owner = new TestOwner(pages, name);
        owners.add(owner);
        owner.lock.lock();
        return owner;
    }

    /** Unlocks the owners that the caller has locked, so that nothing is held when the next test starts. */
    @Override
    public void close() {
        for (TestOwner owner : owners) {
            if (owner.lock.isHeld()) {
                owner.lock.unlock();
            }
        }
        assertThat(Witness.heldByCaller()).as("locks held after a test").isZero();
    }

    /** A page of {@code owner} that is valid, clean, and not busy. */
    Page valid(TestOwner owner, long pindex) {
        Page page = pages.alloc(owner, pindex, 0);
        assertThat(page).isNotNull();
        page.setValid(Page.ALL);
        page.xunbusy();
        return page;
    }

    /** Fails unless every invariant holds, given who holds what. */
    void check(Holder... holders) {
        Violations violations = new Violations();
        pages.check(violations, List.of(holders));
        assertThat(violations.messages()).isEmpty();
    }
}
