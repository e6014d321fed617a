// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.io.IOException;
import java.util.Dictionary;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import penumbra.inspect.CommandFailure;
import penumbra.inspect.CounterSource;

/** The statistics of all subsystems and the values that can be set, under FreeBSD's names. */
@Component(service = SysctlCommand.class)
@GogoCommand(
        scope = "vm",
        function = {"sysctl", "counters"})
public final class SysctlCommand {
    private static final String USAGE = "sysctl [NAME[=VALUE]]...";

    private final ConfigurationAdmin configurations;
    private final List<CounterSource> sources = new CopyOnWriteArrayList<>();

    /** Sets values through {@code configurations}. */
    @Activate
    public SysctlCommand(@Reference ConfigurationAdmin configurations) {
        this.configurations = configurations;
    }

    /** A subsystem's statistics came. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindSource(CounterSource source) {
        sources.add(source);
    }

    void unbindSource(CounterSource source) {
        sources.remove(source);
    }

    /** The statistics by name: all of them, or those whose name is one of the words or lies below it. */
    @Descriptor("show the statistics, all or those below a name")
    public String counters(@Descriptor("[NAME]...") String... words) {
        Arguments arguments = new Arguments("counters [NAME]...", words);
        NavigableMap<String, Long> values = counted();
        Answer answer = new Answer();
        if (!arguments.more()) {
            show(values, answer);
        }
        while (arguments.more()) {
            showBelow(values, arguments.word(), arguments, answer);
        }
        return answer.toString();
    }

    /**
     * Statistics and values to set: all of them, or those whose name is one of the words or lies below it; for a word
     * with an equals sign, sets the value. The component concerned learns of it from the configuration service, a
     * moment later.
     */
    @Descriptor("show statistics and settings, all or those below a name; with NAME=VALUE, set one")
    public String sysctl(@Descriptor("[NAME[=VALUE]]...") String... words) {
        Arguments arguments = new Arguments(USAGE, words);
        Answer answer = new Answer();
        if (!arguments.more()) {
            show(values(), answer);
        }
        while (arguments.more()) {
            String word = arguments.word();
            int equals = word.indexOf('=');
            if (equals < 0) {
                showBelow(values(), word, arguments, answer);
            } else {
                set(word.substring(0, equals), word.substring(equals + 1), arguments, answer);
            }
        }
        return answer.toString();
    }

    private static void show(NavigableMap<String, Long> values, Answer answer) {
        values.forEach((name, value) -> answer.line("%s: %d", name, value));
    }

    private static void showBelow(NavigableMap<String, Long> values, String name, Arguments arguments, Answer answer) {
        NavigableMap<String, Long> below = new TreeMap<>(values);
        below.keySet().removeIf(key -> !key.equals(name) && !key.startsWith(name + "."));
        if (below.isEmpty()) {
            throw arguments.bad("there is no value \"" + name + "\"");
        }
        show(below, answer);
    }

    private NavigableMap<String, Long> counted() {
        NavigableMap<String, Long> values = new TreeMap<>();
        for (CounterSource source : sources) {
            source.forEach(values::put);
        }
        return values;
    }

    /** What the subsystems say goes before what was configured: they may not have taken it over yet. */
    private NavigableMap<String, Long> values() {
        NavigableMap<String, Long> values = counted();
        for (Tunable tunable : Tunable.ALL) {
            values.computeIfAbsent(tunable.name(), name -> configured(tunable));
        }
        return values;
    }

    private void set(String name, String text, Arguments arguments, Answer answer) {
        Tunable tunable = Tunable.of(name).orElseThrow(() -> arguments.bad("\"" + name + "\" cannot be set"));
        int value;
        try {
            value = Integer.parseInt(text);
        } catch (NumberFormatException e) {
            value = tunable.least() - 1;
        }
        if (value < tunable.least() || value > tunable.most()) {
            throw arguments.bad(
                    name + "=" + text + ": expected a number from " + tunable.least() + " to " + tunable.most());
        }
        long before = configured(tunable);
        try {
            Configuration configuration = configurations.getConfiguration(tunable.pid(), "?");
            @Nullable Dictionary<String, Object> stored = configuration.getProperties();
            Map<String, Object> properties = new TreeMap<>();
            if (stored != null) {
                properties.putAll(FrameworkUtil.asMap(stored));
            }
            properties.put(tunable.property(), tunable.toProperty(value));
            configuration.update(FrameworkUtil.asDictionary(properties));
        } catch (IOException e) {
            throw new CommandFailure("sysctl: " + name + " cannot be stored: " + e.getMessage(), e);
        }
        answer.line("%s: %d -> %d", name, before, value);
    }

    private long configured(Tunable tunable) {
        try {
            Configuration @Nullable [] found = configurations.listConfigurations("(service.pid=" + tunable.pid() + ")");
            return tunable.fromProperty(
                    found == null ? null : found[0].getProperties().get(tunable.property()));
        } catch (IOException | InvalidSyntaxException e) {
            throw new CommandFailure("sysctl: " + tunable.name() + " cannot be read: " + e.getMessage(), e);
        }
    }
}
