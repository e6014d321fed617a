// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.pager.BackingStore;
import penumbra.pager.MemoryStore;

/** The commands that replace pagers and stores. */
class StoreCommandsTest {
    private final Rig rig = new Rig();
    private final MemoryStore other = new MemoryStore(1024);

    @AfterEach
    void close() {
        assertThat(rig.run("check")).contains("no violations");
        rig.close();
    }

    private String line(String store) {
        return rig.lines("pagers").stream()
                .filter(line -> line.contains(" " + store + " "))
                .findFirst()
                .orElse("gone");
    }

    @Test
    void usePagerMovesEverythingToAnotherStore() {
        rig.pagedOut("sh");
        rig.attach(other);
        assertThat(rig.run("use-pager swap memory")).isEqualTo("swap: new pages go to memory, the others follow");
        assertThat(line("file")).endsWith("draining");
        long pages = 1024 - 2 - file().available();
        rig.kernel.swap().awaitDrained();
        assertThat(line("file")).endsWith("candidate, " + pages + " moved");
        assertThat(other.available()).isEqualTo(1024 - pages);
        rig.run("drain memory");
        assertThat(line("memory")).endsWith("draining");
        rig.run("drain memory cancel");
        assertThat(line("memory")).endsWith("active");
    }

    private BackingStore file() {
        return rig.kernel.swap().stores().stream()
                .filter(store -> store.name().equals("file"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void swapoffBringsPagesBackAndSwaponConfiguresAFile() {
        rig.pagedOut("sh");
        rig.attach(other);
        assertThat(rig.run("swapoff file")).isEqualTo("file: out of use");
        assertThat(line("file")).isEqualTo("gone");
        assertThat(rig.run("swapon /tmp/second.swap 64m")).isEqualTo("second.swap: 65536 KiB");
        assertThat(rig.configurations.stored.get("penumbra.pager.swap~second.swap"))
                .isEqualTo(Map.of("name", "second.swap", "path", "/tmp/second.swap", "size.bytes", 64L << 20));
    }

    @Test
    void whatCannotBeDoneIsOneLine() {
        assertThat(rig.failure("use-pager swap nosuch"))
                .isEqualTo("use-pager: there is no store \"nosuch\"; usage: use-pager TYPE NAME");
        assertThat(rig.failure("use-pager cloth file")).contains("there is no type \"cloth\"");
        assertThat(rig.failure("use-pager default file")).contains("the kernel's own", "not replaced");
        assertThat(rig.failure("use-pager vnode nosuch")).contains("there is no pager \"nosuch\" of type vnode");
        assertThat(rig.run("use-pager vnode vnode")).isEqualTo("vnode: vnode");
        assertThat(rig.failure("use-pager swap")).contains("too few arguments");
        assertThat(rig.failure("drain file")).contains("there is no other store");
        assertThat(rig.failure("drain file now")).contains("is not \"cancel\"");
        assertThat(rig.failure("swapon /tmp/x 5")).contains("no size of a swap file");
        assertThat(rig.failure("swapon /tmp/x 99999999999g")).contains("no size of a swap file");
        rig.attach(other);
        rig.attach(new MemoryStore(20));
        assertThat(rig.failure("drain memory")).contains("2 stores are called \"memory\"", other.identity());
        assertThat(rig.run("drain " + other.identity())).isEqualTo("memory: draining");
    }
}
