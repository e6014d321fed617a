// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.kern.Fidelity;

/** Scripts that map the machine's devices, and memory that stays. */
class DeviceScriptTest {
    private final HandMachine machine = new HandMachine(MachineSettings.stepped(1000, 100, Fidelity.CORRECTED));
    private final Scenario scenario = new Scenario(machine.kernel());
    private int line;
    private JsonNode last;

    @AfterEach
    void close() {
        machine.close();
    }

    /** Runs a line, after which everything holds, and answers with what it returned. */
    private String run(String operation) {
        last = scenario.step(++line, operation);
        assertThat(machine.kernel()
                        .checkInvariants(List.of(scenario.holdings()))
                        .messages())
                .as("after %s", operation)
                .isEmpty();
        return last.get("ret").asText();
    }

    private JsonNode object(String name) {
        return last.at("/objs/" + name);
    }

    private String read(String process, int page) {
        run("rd " + process + " " + page);
        return last.get("ret").get(1).asText();
    }

    @Test
    void aProgramDrawsOnTheScreen() {
        assertThat(run("device device fb 10")).isEqualTo("o1");
        assertThat(object("o1").toString())
                .startsWith("{\"type\":\"device\",\"size\":10,\"ref\":1,")
                .contains("\"fl\":[\"FICT\",\"UNMANAGED\"]");
        run("proc p");
        assertThat(run("mmap p 16 10 rw rw o1 0 share")).isEqualTo("0");
        assertThat(run("wr p 19 77")).isEqualTo("1");
        assertThat(object("o1").get("pg").toString())
                .isEqualTo("[{\"i\":3,\"v\":255,\"d\":0,\"q\":\"-\",\"w\":1,\"ma\":2,\"t\":77}]");
        assertThat(run("devrd fb 3")).isEqualTo("77");
        run("devwr fb 3 78");
        assertThat(read("p", 19)).isEqualTo("78");
        assertThat(last.at("/g/wire").asInt()).isZero();
        run("fork p q");
        assertThat(run("wr q 20 80")).isEqualTo("1");
        assertThat(read("p", 20)).isEqualTo("80");
        run("exit p");
        run("dealloc o1");
        run("exit q");
        assertThat(last.get("gone").toString()).isEqualTo("[\"o1\"]");
    }

    @Test
    void managedMemoryIsWrittenThroughMappingsThatAreKnown() {
        run("device mgtdevice fb 10");
        run("proc p");
        run("mmap p 16 10 rw rw o1 0 priv");
        run("devwr fb 2 5");
        assertThat(read("p", 18)).isEqualTo("5");
        assertThat(last.at("/procs/p/pm/0").toString()).isEqualTo("[18,\"o1\",2,1,0,1,0]");
        assertThat(run("wr p 18 6")).isEqualTo("1");
        assertThat(run("devrd fb 2")).isEqualTo("5");
        assertThat(read("p", 18)).isEqualTo("6");
        run("exit p");
        run("dealloc o1");
    }

    @Test
    void twoDriversShareScatteredMemory() {
        run("device sg dma 40");
        run("device sg dma 1");
        run("device device dma 40");
        assertThat(run("memattr o2 uc")).isEqualTo("0");
        run("proc p");
        run("mmap p 100 40 rw rw o1 0 share");
        run("mmap p 200 40 rw rw o2 0 share");
        run("mmap p 300 40 rw rw o3 0 share");
        run("wr p 139 9");
        assertThat(read("p", 239)).isEqualTo("9");
        assertThat(object("o2").at("/pg/0/ma").asInt()).isEqualTo(1);
        assertThat(read("p", 339)).isEqualTo("9");
        assertThat(run("memattr o2 wb")).isEqualTo("5");
        assertThat(run("msync p 300 40 1 1")).isEqualTo("0");
        assertThat(object("o3").at("/pg/0/v").asInt()).isZero();
        assertThat(read("p", 339)).isEqualTo("9");
    }

    @Test
    void memoryThatStaysHasANameAndGrows() {
        assertThat(run("phys segment 4")).isEqualTo("o1");
        assertThat(run("phys segment 9")).isEqualTo("o1");
        assertThat(object("o1").get("size").asInt()).isEqualTo(9);
        assertThat(run("populate o1 0 9")).isEqualTo("1");
        assertThat(last.at("/objs/o1/res").asInt()).isEqualTo(9);
        run("proc p");
        run("mmap p 16 9 rw rw o1 0 share");
        run("wr p 17 1");
        run("pageout 2");
        assertThat(read("p", 17)).isEqualTo("1");
        run("exit p");
        run("dealloc o1");
        run("dealloc o1");
        assertThat(last.get("gone").toString()).isEqualTo("[\"o1\"]");
    }

    @Test
    void whatCannotBeMappedIsSaid() {
        assertThat(run("device device fb 301")).isEqualTo("refused");
        assertThat(run("device sg fb 1")).isEqualTo("refused");
        assertThatThrownBy(() -> run("device device tape 1"))
                .isInstanceOf(BadScript.class)
                .hasMessage("no device tape: expected one of [fb, dma]");
        assertThatThrownBy(() -> run("devrd dma 40"))
                .isInstanceOf(BadScript.class)
                .hasMessage("dma has no page 40: expected 0 to 39");
        assertThatThrownBy(() -> run("device disk fb 1")).hasMessageContaining("expected device|mgtdevice|sg");
    }
}
