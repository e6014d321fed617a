// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.AddressSpace;
import penumbra.map.Inheritance;
import penumbra.process.Process;

/** One run of programs on a small machine under a {@link Schedule}, with a model of what their memory must contain. */
final class Scenario implements AutoCloseable {
    static final long BASE = 1 << 20;
    /** Pages of a machine with little memory; its page daemon has work as soon as some sixty are touched. */
    static final int MEMORY = 123;

    private static final Cred USER = new Cred(1001);

    final SplittableRandom random;
    final Schedule schedule;
    final HandMachine machine;
    final Kernel kernel;

    /** What one program has stored in each page of its memory: the word at the page's start and the last one. */
    static final class Model {
        final long[] words;

        Model(int pages) {
            words = new long[pages];
        }

        Model copy() {
            Model copy = new Model(words.length);
            System.arraycopy(words, 0, copy.words, 0, words.length);
            return copy;
        }
    }

    /** A scenario whose machine has {@code between} nearest to the parts that it stands in front of. */
    Scenario(long seed, UnaryOperator<Interposed> between) {
        this(seed, between, Fidelity.CORRECTED);
    }

    /** The same with the defects that the system is to have. */
    Scenario(long seed, UnaryOperator<Interposed> between, Fidelity fidelity) {
        random = new SplittableRandom(seed);
        schedule = new Schedule(seed);
        machine = new HandMachine(
                new MachineSettings(MEMORY, 1024, null, 3, Execution.STEPPED, fidelity, random.nextBoolean()),
                between.apply(schedule.interposed()));
        schedule.booted();
        kernel = machine.kernel();
        schedule.attendant("page daemon", kernel.pageout()::poll);
    }

    Cpu cpu(int number) {
        return kernel.machine().cpus().get(number);
    }

    /** A process with {@code pages} pages of anonymous memory from {@link #BASE} on. */
    Process process(String name, int pages) {
        Process process = kernel.processes().create(name, USER);
        assertThat(process.space().insert(null, 0, BASE, address(pages), Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        return process;
    }

    static void share(AddressSpace space, int pages) {
        assertThat(space.inherit(BASE, address(pages), Inheritance.SHARE)).isEqualTo(KernReturn.SUCCESS);
    }

    static long address(int page) {
        return BASE + PageSize.bytes(page);
    }

    /** Lets {@code cpu} do {@code accesses} random ones to the pages that {@code model} knows. */
    void access(Cpu cpu, Model model, int accesses, SplittableRandom dice) {
        for (int i = 0; i < accesses; i++) {
            int page = dice.nextInt(model.words.length);
            if (dice.nextInt(3) == 0) {
                check(cpu, model, page);
            } else {
                store(cpu, model, page, dice.nextLong());
            }
        }
    }

    void store(Cpu cpu, Model model, int page, long value) {
        schedule.user(cpu, () -> {
            cpu.store(address(page), Long.BYTES, value);
            cpu.store(address(page + 1) - Long.BYTES, Long.BYTES, ~value);
            return true;
        });
        model.words[page] = value;
    }

    void check(Cpu cpu, Model model, int page) {
        long first = schedule.user(cpu, () -> cpu.load(address(page), Long.BYTES));
        long last = schedule.user(cpu, () -> cpu.load(address(page + 1) - Long.BYTES, Long.BYTES));
        long expected = model.words[page];
        if (first != expected || last != (expected == 0 ? 0 : ~expected)) {
            throw new AssertionError(String.format(
                    "%s: page %d has %x and %x where %x and its complement were stored",
                    cpu, page, first, last, expected));
        }
    }

    void checkAll(Cpu cpu, Model model) {
        for (int page = 0; page < model.words.length; page++) {
            check(cpu, model, page);
        }
    }

    SplittableRandom dice() {
        return random.split();
    }

    /** Runs the threads and checks that every invariant holds afterwards, and again when all processes are gone. */
    void run() {
        schedule.run();
        assertThat(kernel.machine().panic()).isNull();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        kernel.processes().all().forEach(kernel.processes()::exit);
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
    }

    @Override
    public void close() {
        machine.close();
    }
}
