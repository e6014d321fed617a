// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.framework.FrameworkUtil;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.PageSize;
import penumbra.inspect.CommandFailure;

/** Adds a swap file, by a configuration of its own. */
@Component(service = SwapOnCommand.class)
@GogoCommand(scope = "vm", function = "swapon")
public final class SwapOnCommand {
    /** The component that keeps a swap file. */
    static final String PID = "penumbra.pager.swap";

    private static final long KIB = 1L << 10;

    /** The two pages of a swap file's header, and one to use. */
    private static final long LEAST_BYTES = 3L * PageSize.BYTES;

    private final ConfigurationAdmin configurations;

    /** Adds swap files by this service. */
    @Activate
    public SwapOnCommand(@Reference ConfigurationAdmin configurations) {
        this.configurations = configurations;
    }

    /**
     * The file is opened, and made if it is not there, a moment after the command has ended; the log says why it was
     * not.
     */
    @Descriptor("add a swap file of a size such as 64m, which is made if it is not there")
    public String swapon(@Descriptor("FILE SIZE") String... words) {
        Arguments arguments = new Arguments("swapon FILE SIZE", words);
        Path file = Path.of(arguments.word()).toAbsolutePath();
        String size = arguments.word();
        arguments.end();
        long bytes = PageSize.floor(bytes(size));
        if (bytes < LEAST_BYTES) {
            throw arguments.bad("\"" + size + "\" is no size of a swap file: expected at least 12k, such as 64m or 1g");
        }
        String name = file.getFileName().toString();
        try {
            configurations
                    .getFactoryConfiguration(PID, name, "?")
                    .update(FrameworkUtil.asDictionary(
                            Map.of("name", name, "path", file.toString(), "size.bytes", bytes)));
        } catch (IOException e) {
            throw new CommandFailure("swapon: the configuration cannot be stored: " + e.getMessage(), e);
        }
        return name + ": " + bytes / KIB + " KiB";
    }

    /** A number of bytes, with k, m or g behind it or nothing; 0 for anything else. */
    private static long bytes(String size) {
        int digits = size.length();
        int shift = 0;
        if (digits > 0) {
            shift = switch (size.charAt(digits - 1)) {
                case 'k', 'K' -> 10;
                case 'm', 'M' -> 20;
                case 'g', 'G' -> 30;
                default -> 0;
            };
        }
        try {
            long number = Long.parseLong(size.substring(0, shift == 0 ? digits : digits - 1));
            return number > Long.MAX_VALUE >> shift ? 0 : number << shift;
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
