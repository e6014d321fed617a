// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** What every {@link FileSystem} must do: extend it and say how files of yours are made. */
public abstract class FileSystemContract {
    /** What is tested; the same for all of one test. */
    protected abstract FileSystem fileSystem();

    /** Makes a file with these contents and returns its path. */
    protected abstract String create(byte[] contents) throws IOException;

    /** A path where no file is. */
    protected abstract String missing();

    @Test
    void hasAName() {
        assertThat(fileSystem().name()).isNotBlank().doesNotContain(" ");
    }

    @Test
    void opensAFile() throws IOException {
        byte[] contents = {1, 2, 3};
        FileNode node = fileSystem().open(create(contents), false);
        ByteBuffer read = ByteBuffer.allocate(3);
        assertThat(node.read(0, read)).isEqualTo(3);
        assertThat(read.array()).isEqualTo(contents);
        node.close();
    }

    @Test
    void tellsFilesApart() throws IOException {
        String one = create(new byte[10]);
        String other = create(new byte[10]);
        assertThat(fileSystem().identity(one))
                .isEqualTo(fileSystem().identity(one))
                .hasSameHashCodeAs(fileSystem().identity(one))
                .isNotEqualTo(fileSystem().identity(other));
    }

    @Test
    void neverWritesWhatWasOpenedForReading() throws IOException {
        byte[] contents = {1, 2, 3};
        String path = create(contents);
        FileNode node = fileSystem().open(path, false);
        assertThatThrownBy(() -> node.write(0, ByteBuffer.wrap(new byte[] {9}))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> node.truncate(0)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> node.truncate(100)).isInstanceOf(IOException.class);
        node.close();
        FileNode again = fileSystem().open(path, false);
        assertThat(again.size()).isEqualTo(3);
        ByteBuffer read = ByteBuffer.allocate(3);
        again.read(0, read);
        assertThat(read.array()).isEqualTo(contents);
        again.close();
    }

    @Test
    void saysInOneLineThatThereIsNoFile() {
        assertThatThrownBy(() -> fileSystem().open(missing(), false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(missing())
                .message()
                .doesNotContain("\n");
        assertThatThrownBy(() -> fileSystem().open(missing(), true)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> fileSystem().identity(missing())).isInstanceOf(IOException.class);
    }
}
