// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/** What a process did to its file descriptors; needed to know the file behind a mapping. */
sealed interface DescriptorChange extends Entry {

    /**
     * A file was opened.
     *
     * @param directory the descriptor that a relative path starts at, or {@link #WORKING_DIRECTORY}
     */
    record Open(int descriptor, int directory, String path, boolean closeOnExec) implements DescriptorChange {}

    /** Descriptors {@code first} to {@code last} were closed. */
    record Close(int first, int last) implements DescriptorChange {}

    /** {@code copy} stands for the same file as {@code descriptor} now. */
    record Duplicate(int descriptor, int copy, boolean closeOnExec) implements DescriptorChange {}

    /** A descriptor was told whether to survive an exec. */
    record CloseOnExec(int descriptor, boolean closeOnExec) implements DescriptorChange {}

    /** The working directory became {@code path}, or the directory behind the descriptor if the path is empty. */
    record ChangeDirectory(int directory, String path) implements DescriptorChange {}

    /** Linux's AT_FDCWD. */
    int WORKING_DIRECTORY = -100;
}
