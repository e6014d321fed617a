// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileNodeContract;

class HostFileTest extends FileNodeContract {
    @TempDir
    Path directory;

    private Path path;

    @Override
    protected FileNode open(byte[] contents) throws IOException {
        path = Files.createTempFile(directory, "file", ".bin");
        Files.write(path, contents);
        return new HostFile(path, true, Opener.HOST);
    }

    @Test
    void writesReachTheFile() throws IOException {
        FileNode node = open(new byte[10]);
        node.write(8, ByteBuffer.wrap(new byte[] {1, 2, 3}));
        node.close();
        assertThat(Files.readAllBytes(path)).isEqualTo(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3});
    }

    @Test
    void aCutThatWouldExtendNeverCreatesData() throws IOException {
        FileNode node = open(new byte[] {7});
        node.truncate(1L << 33);
        assertThat(node.size()).isEqualTo(1L << 33);
        assertThat(read(node, (1L << 33) - 5, 100)).isEqualTo(new byte[5]);
        node.truncate(1);
        assertThat(read(node, 0, 100)).isEqualTo(new byte[] {7});
        node.close();
    }

    /** Writes more than the process may: what a full disk does to a write, by the host's own means. */
    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void aWriteThatFindsNoRoomIsShortAndTheNextFails() throws Exception {
        Path file = Files.write(directory.resolve("limited"), new byte[0]);
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(
                        "sh",
                        "-c",
                        "ulimit -f 8; exec \"$@\"",
                        "sh",
                        java,
                        "-XX:-UsePerfData",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LimitedWriter.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said.strip()).isEqualTo(Files.size(file) + " bytes, then refused");
        assertThat(Files.size(file)).isPositive().isLessThan(LimitedWriter.BYTES);
    }

    /** A program that writes until nothing more is taken. */
    static final class LimitedWriter {
        static final int BYTES = 1 << 20;

        private LimitedWriter() {}

        public static void main(String[] arguments) throws IOException {
            HostFile file = new HostFile(Path.of(arguments[0]), true, Opener.HOST);
            int written = file.write(0, ByteBuffer.allocate(BYTES));
            try {
                file.write(written, ByteBuffer.allocate(1));
            } catch (IOException e) {
                System.out.println(written + " bytes, then refused");
            }
            file.close();
        }
    }

    @Test
    void theVersionTellsThatSomebodyChangedTheFile() throws IOException {
        FileNode node = open(new byte[10]);
        long version = node.version();
        assertThat(node.version()).isEqualTo(version);
        Files.write(path, new byte[11]);
        assertThat(node.version()).isNotEqualTo(version);
        node.close();
    }

    @Test
    void aFileThatTookItsPlaceIsNotOpenedInstead() throws IOException {
        Path mine = Files.write(directory.resolve("mine"), new byte[10]);
        List<FileChannel> opened = new ArrayList<>();
        HostFile file = new HostFile(mine, false, (path, options) -> {
            opened.add(FileChannel.open(path, options));
            return opened.get(opened.size() - 1);
        });
        Files.move(Files.write(directory.resolve("other"), new byte[20]), mine, StandardCopyOption.REPLACE_EXISTING);
        assertThat(file.size()).isEqualTo(10);
        opened.get(0).close();
        assertThatThrownBy(file::size)
                .isInstanceOf(IOException.class)
                .hasMessage(mine + ": another file has taken its place");
        file.close();
        assertThat(opened).hasSize(2).noneMatch(FileChannel::isOpen);
    }
}
