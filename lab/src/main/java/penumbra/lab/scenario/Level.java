// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How much of the state a comparison looks at. */
public enum Level {
    /** The graph of objects and the contents of pages. */
    GRAPH(
            Set.of("type", "size", "ref", "sc", "bk", "bo", "fl", "chg", "cred", "sh", "pg"),
            Set.of("i", "t"),
            Set.of(),
            null,
            Set.of("coll", "byp")),
    /** Besides, the state of pages, swap slots, reservations and map entries. */
    PAGES(
            Set.of(
                    "type", "size", "ref", "sc", "bk", "bo", "fl", "chg", "cred", "sh", "pg", "swb", "sw", "v", "vsz",
                    "fd"),
            Set.of("i", "t", "v", "d", "q", "w", "h", "b"),
            Set.of("i", "t"),
            Set.of("size", "ent"),
            Set.of("coll", "byp", "swres")),
    /** Everything. */
    ALL(null, null, null, null, null);

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final @Nullable Set<String> object;
    private final @Nullable Set<String> page;
    private final @Nullable Set<String> slot;
    private final @Nullable Set<String> process;
    private final @Nullable Set<String> counters;

    Level(
            @Nullable Set<String> object,
            @Nullable Set<String> page,
            @Nullable Set<String> slot,
            @Nullable Set<String> process,
            @Nullable Set<String> counters) {
        this.object = object;
        this.page = page;
        this.slot = slot;
        this.process = process;
        this.counters = counters;
    }

    /** The level of {@code number}, 1 to 3. */
    public static Level of(int number) {
        return Arrays.stream(values())
                .filter(level -> level.ordinal() + 1 == number)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("level " + number + ": expected 1, 2 or 3"));
    }

    JsonNode object(JsonNode state) {
        if (this == ALL) {
            return state;
        }
        ObjectNode kept = keep(state, object);
        kept.set("pg", keepEach(kept.path("pg"), page));
        if (kept.has("sw")) {
            kept.set("sw", keepEach(kept.path("sw"), slot));
        }
        return kept;
    }

    JsonNode process(JsonNode state) {
        return switch (this) {
            case ALL -> state;
            case PAGES -> keep(state, process);
            case GRAPH -> JSON.objectNode();
        };
    }

    JsonNode counters(JsonNode state) {
        return this == ALL ? state : keep(state, counters);
    }

    private static ObjectNode keep(JsonNode node, @Nullable Set<String> keys) {
        ObjectNode kept = JSON.objectNode();
        node.properties().forEach(field -> {
            if (keys == null || keys.contains(field.getKey())) {
                kept.set(field.getKey(), field.getValue());
            }
        });
        return kept;
    }

    private static ArrayNode keepEach(JsonNode array, @Nullable Set<String> keys) {
        ArrayNode kept = JSON.arrayNode();
        array.forEach(element -> kept.add(keep(element, keys)));
        return kept;
    }
}
