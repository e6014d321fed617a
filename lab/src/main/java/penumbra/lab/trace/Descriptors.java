// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The open files of one recorded process. Not safe for use by several threads. */
final class Descriptors {
    private record OpenFile(String path, boolean closeOnExec) {}

    private final Map<Integer, OpenFile> files = new HashMap<>();

    /** Empty while unknown: a recording does not say where its first program started. */
    private String workingDirectory = "";

    /** What a fork gives the child. */
    Descriptors copy() {
        Descriptors copy = new Descriptors();
        copy.files.putAll(files);
        copy.workingDirectory = workingDirectory;
        return copy;
    }

    /** What an exec does. */
    void exec() {
        files.values().removeIf(OpenFile::closeOnExec);
    }

    /** The file behind a descriptor, null if its origin is unknown. */
    @Nullable
    String path(int descriptor) {
        OpenFile file = files.get(descriptor);
        return file == null ? null : file.path();
    }

    void apply(DescriptorChange change) {
        if (change instanceof DescriptorChange.Open open) {
            String path = resolve(open.directory(), open.path());
            files.put(open.descriptor(), new OpenFile(path, open.closeOnExec()));
        } else if (change instanceof DescriptorChange.Close close) {
            files.keySet().removeIf(descriptor -> descriptor >= close.first() && descriptor <= close.last());
        } else if (change instanceof DescriptorChange.Duplicate duplicate) {
            OpenFile file = files.get(duplicate.descriptor());
            if (file == null) {
                files.remove(duplicate.copy());
            } else {
                files.put(duplicate.copy(), new OpenFile(file.path(), duplicate.closeOnExec()));
            }
        } else if (change instanceof DescriptorChange.CloseOnExec mark) {
            files.computeIfPresent(
                    mark.descriptor(), (descriptor, file) -> new OpenFile(file.path(), mark.closeOnExec()));
        } else if (change instanceof DescriptorChange.ChangeDirectory directory) {
            workingDirectory = resolve(directory.directory(), directory.path());
        }
    }

    private String resolve(int directory, String path) {
        if (path.startsWith("/")) {
            return path;
        }
        String base = directory == DescriptorChange.WORKING_DIRECTORY ? workingDirectory : path(directory);
        if (base == null || base.isEmpty()) {
            return path;
        }
        return path.isEmpty() ? base : base + "/" + path;
    }
}
