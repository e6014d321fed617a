// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.MapEntry;
import penumbra.object.VmObject;
import penumbra.pager.BackingStore;
import penumbra.process.Process;

/** A machine with a shell that knows the inspector's commands. */
final class Rig implements AutoCloseable {
    static final Cred USER = new Cred(1001);
    static final int PAGES = 2048;

    /** Where {@link #program} maps its memory, as a page number. */
    static final long BASE = 0x100;

    final Kernel kernel;
    final StoredConfigurations configurations = new StoredConfigurations();
    final CheckCommand check;

    private final HandMachine machine = new HandMachine(MachineSettings.stepped(PAGES, 1024, Fidelity.CORRECTED));
    private final ThreadIOImpl threadIo = new ThreadIOImpl();
    private final CommandProcessorImpl processor = new CommandProcessorImpl(threadIo);
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final CommandSession session;

    Rig() {
        kernel = machine.kernel();
        check = new CheckCommand(kernel.machine());
        kernel.checks().forEach(check::bindCheck);
        SysctlCommand sysctl = new SysctlCommand(configurations.service());
        kernel.counters().forEach(sysctl::bindSource);
        Map<Object, List<String>> commands = Map.ofEntries(
                Map.entry(new VmochkCommand(kernel.objects(), kernel.processes()), List.of("vmochk")),
                Map.entry(new ObjectCommand(kernel.objects(), kernel.swap()), List.of("object")),
                Map.entry(new VmopagCommand(kernel.objects()), List.of("vmopag")),
                Map.entry(new PagersCommand(kernel.pagers()), List.of("pagers")),
                Map.entry(new UsePagerCommand(kernel.pagers(), kernel.swap()), List.of("use-pager")),
                Map.entry(new DrainCommand(kernel.swap()), List.of("drain")),
                Map.entry(new SwapOnCommand(configurations.service()), List.of("swapon")),
                Map.entry(new SwapOffCommand(kernel.swap()), List.of("swapoff")),
                Map.entry(new PsCommand(kernel.processes(), kernel.machine()), List.of("ps")),
                Map.entry(new MapCommand(kernel.processes()), List.of("map", "procvm")),
                Map.entry(new PteCommand(kernel.processes()), List.of("pte")),
                Map.entry(new PageCommand(kernel.pages(), kernel.pageout()), List.of("page", "pageq")),
                Map.entry(new PageoutCommand(kernel.machine(), kernel.pages(), kernel.pageout()), List.of("pageout")),
                Map.entry(new UseMmuCommand(kernel.pmaps()), List.of("use-mmu")),
                Map.entry(new PolicyCommand(kernel.pageout()), List.of("policy")),
                Map.entry(new PanicCommand(kernel.machine()), List.of("panic")),
                Map.entry(new LocksCommand(kernel.objects(), kernel.vnodes()), List.of("witness", "alllocks")),
                Map.entry(sysctl, List.of("sysctl", "counters")),
                Map.entry(check, List.of("check")));
        commands.forEach((command, names) -> names.forEach(name -> processor.addCommand("ddb", command, name)));
        threadIo.start();
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
        session = processor.createSession(InputStream.nullInputStream(), out, out);
    }

    /** Adds a store. */
    void attach(BackingStore store) {
        machine.pagers().attach(store, 0);
    }

    /** Makes another command known. */
    void add(Object command, String name) {
        processor.addCommand("test", command, name);
    }

    /** What a command prints and answers, at the shell. */
    String run(String command) {
        printed.reset();
        try {
            Object result = session.execute(command);
            return printed() + (result == null ? "" : session.format(result, Converter.INSPECT));
        } catch (Exception e) {
            throw new AssertionError(command + " failed", e);
        }
    }

    /** The lines of what a command answers. */
    List<String> lines(String command) {
        return run(command).lines().toList();
    }

    /** The one line that says why a command failed; what it printed before is {@link #printed}. */
    String failure(String command) {
        printed.reset();
        try {
            Object result = session.execute(command);
            throw new AssertionError(command + " did not fail but answered " + result);
        } catch (InvocationTargetException e) {
            return oneLine(e.getCause());
        } catch (Exception e) {
            return oneLine(e);
        }
    }

    String printed() {
        return printed.toString(StandardCharsets.UTF_8);
    }

    /** What a shell prints of a failure. */
    private static String oneLine(Throwable failure) {
        assertThat(failure.toString()).isNotBlank().doesNotContain("\n", "Exception");
        return failure.toString();
    }

    /** A process with {@code pages} pages of anonymous memory at {@link #BASE}. */
    Process program(String name, int pages) {
        Process process = kernel.processes().create(name, USER);
        long start = PageSize.bytes(BASE);
        assertThat(process.space().insert(null, 0, start, start + PageSize.bytes(pages), Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        return process;
    }

    /** Lets {@code process} store to page {@code page} of its memory. */
    void touch(Process process, long page) {
        Cpu cpu = kernel.machine().cpus().get(0);
        kernel.processes().run(cpu, process);
        cpu.enterUser();
        cpu.store(PageSize.bytes(BASE + page), Long.BYTES, page + 1);
        cpu.leaveUser();
    }

    /** A process that has touched more memory than there is. */
    Process pagedOut(String name) {
        int pages = PAGES + 100;
        Process process = program(name, pages);
        for (int page = 0; page < pages; page++) {
            touch(process, page);
        }
        return process;
    }

    /** The object behind the first mapping of {@code process}. */
    VmObject objectOf(Process process) {
        MapEntry first = process.space().entries().get(0);
        return first.object();
    }

    @Override
    public void close() {
        session.close();
        threadIo.stop();
        kernel.processes().all().forEach(kernel.processes()::exit);
        machine.close();
    }
}
