// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.vnode.FileSystem;
import penumbra.vnode.FileSystemContract;

class HostFileSystemTest extends FileSystemContract {
    private final HostFileSystem host = new HostFileSystem();

    @TempDir
    Path directory;

    @Override
    protected FileSystem fileSystem() {
        return host;
    }

    @Override
    protected String create(byte[] contents) throws IOException {
        return Files.write(Files.createTempFile(directory, "file", ".bin"), contents)
                .toString();
    }

    @Override
    protected String missing() {
        return directory.resolve("missing").toString();
    }

    @Test
    void knowsAFileByAllOfItsNames() throws IOException {
        Path file = Path.of(create(new byte[3]));
        Path hard = Files.createLink(directory.resolve("hard"), file);
        Path soft = Files.createSymbolicLink(directory.resolve("soft"), file);
        Path odd = directory.resolve("nowhere").resolve("..").resolve(file.getFileName());
        Files.createDirectory(directory.resolve("nowhere"));
        Object identity = host.identity(file.toString());
        assertThat(host.identity(hard.toString())).isEqualTo(identity);
        assertThat(host.identity(soft.toString())).isEqualTo(identity);
        assertThat(host.identity(odd.toString())).isEqualTo(identity);
    }

    @Test
    void refusesWhatIsNoRegularFile() throws Exception {
        assertRefused(directory, "is a directory");
        Path loop = directory.resolve("loop");
        Files.createSymbolicLink(loop, loop);
        assertRefused(loop, "symbolic links");
    }

    /** Opening one of these would wait, read without end or change the host. */
    @ParameterizedTest
    @ValueSource(strings = {"/dev/null", "/dev/zero"})
    @EnabledOnOs(OS.LINUX)
    void refusesDevices(String device) {
        assertRefused(Path.of(device), "is not a regular file");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesAPipeWithoutWaitingForItsOtherEnd() throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                .isZero();
        assertRefused(fifo, "is not a regular file");
    }

    @Test
    void refusesNamesThatNoFileCanHave() {
        assertThatThrownBy(() -> host.open("a\0b", false))
                .isInstanceOf(IOException.class)
                .hasMessage("a?b: no file can have this name");
    }

    private void assertRefused(Path path, String reason) {
        for (boolean writable : new boolean[] {false, true}) {
            assertThatThrownBy(() -> host.open(path.toString(), writable))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(path.toString())
                    .hasMessageContaining(reason)
                    .message()
                    .doesNotContain("\n");
        }
        assertThatThrownBy(() -> host.identity(path.toString()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(reason);
    }
}
