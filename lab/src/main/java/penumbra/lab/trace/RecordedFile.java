// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/**
 * A file that a recorded process mapped, as it was when the recording was compacted.
 *
 * @param path as the program named it, relative to a directory that may be unknown
 * @param size in bytes, -1 if there was no such regular file any more
 * @param sha256 hexadecimal digest of its contents, empty if there was no such file
 */
public record RecordedFile(String path, long size, String sha256) {}
