// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Cpu;
import penumbra.hw.Machine;
import penumbra.map.FaultCounts;
import penumbra.process.Process;
import penumbra.process.Processes;

/** The processes with their sizes and faults. */
@Component(service = PsCommand.class)
@GogoCommand(scope = "ddb", function = "ps")
public final class PsCommand {
    private static final String ROW = "%5s %5s %4s %10s %8s %6s %9s %8s %8s %8s %8s %8s  %s";
    private static final String UNKNOWN = "locked";
    private static final long KIB = 1024;

    private final Processes processes;
    private final Machine machine;

    /** Shows these processes on the CPUs of this machine. */
    @Activate
    public PsCommand(@Reference Processes processes, @Reference Machine machine) {
        this.processes = processes;
        this.machine = machine;
    }

    /** One line for each process: its size in KiB, resident and wired pages, and faults by kind. */
    @Descriptor("show the processes: sizes in KiB, resident and wired pages, faults by kind")
    public String ps(String... words) {
        new Arguments("ps", words).end();
        Answer answer = new Answer();
        answer.line(
                ROW, "PID", "UID", "CPU", "SIZE", "RES", "WIRED", "FAULTS", "ZFOD", "COW", "SOFT", "FILE", "SWAP",
                "NAME");
        for (Process process : processes.all()) {
            show(process, answer);
        }
        return answer.toString();
    }

    private void show(Process process, Answer answer) {
        @Nullable SpaceReading reading = SpaceReading.of(process.space());
        FaultCounts faults = process.space().faults();
        answer.line(
                ROW,
                process.pid(),
                process.cred().uid(),
                cpuOf(process),
                process.space().size() / KIB,
                reading == null ? UNKNOWN : reading.resident(),
                reading == null ? UNKNOWN : reading.wired(),
                faults.total(),
                faults.zeroFill(),
                faults.copyOnWrite(),
                faults.soft(),
                faults.fileRead(),
                faults.swapRead(),
                process.name() + state(process));
    }

    private static String state(Process process) {
        if (process.killed()) {
            return " (killed: " + process.killReason() + ")";
        }
        return process.isProtected() ? " (protected)" : "";
    }

    private String cpuOf(Process process) {
        for (Cpu cpu : machine.cpus()) {
            if (cpu.active() == process.space().pmap()) {
                return Integer.toString(cpu.number());
            }
        }
        return "-";
    }
}
