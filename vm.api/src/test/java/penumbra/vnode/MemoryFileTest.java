// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class MemoryFileTest {
    @Nested
    class BlocksOfAPage extends FileNodeContract {
        @Override
        protected FileNode open(byte[] contents) {
            return MemoryFile.of("page", 4_096, contents);
        }
    }

    @Nested
    class SmallBlocks extends FileNodeContract {
        @Override
        protected FileNode open(byte[] contents) {
            return MemoryFile.of("small", 512, contents);
        }
    }

    @Nested
    class WithoutFaults extends FileNodeContract {
        @Override
        protected FileNode open(byte[] contents) {
            return new FaultyNode(MemoryFile.of("large", 65_536, contents));
        }
    }

    @Test
    void aBlockThatWasNeverWrittenIsAHole() throws Exception {
        MemoryFile file = new MemoryFile("sparse", 4_096);
        file.put(2 * 4_096, new byte[] {1});
        assertThat(file.map(0)).isEqualTo(FileNode.HOLE);
        assertThat(file.map(2)).isEqualTo(2);
        assertThat(FileNodeContract.read(file, 0, 100)).isEqualTo(new byte[100]);
    }
}
