// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What lies under each page of a process that it has not stored to. Pages are counted by number. */
final class Regions {
    /**
     * Neighbouring pages with the same kind of contents.
     *
     * @param content what is mapped, null for zeroes
     * @param first the page of the contents that is mapped at {@code start}
     * @param shared whether stores go to the contents, and not to copies
     */
    record Region(long start, long end, @Nullable FileContent content, long first, boolean shared) {
        Region part(long from, long to) {
            return new Region(from, to, content, first + from - start, shared);
        }

        Region at(long place) {
            return new Region(place, place + end - start, content, first, shared);
        }

        /** What a page is while it is not stored to privately. */
        PageBytes original(long number) {
            return content == null ? PageBytes.ZERO : content.page(first + number - start);
        }
    }

    private final TreeMap<Long, Region> byStart = new TreeMap<>();

    Regions copy() {
        Regions copy = new Regions();
        copy.byStart.putAll(byStart);
        return copy;
    }

    /** The region of a page. */
    Region find(long number) {
        Map.Entry<Long, Region> entry = byStart.floorEntry(number);
        if (entry == null || number >= entry.getValue().end()) {
            throw new IllegalStateException(
                    "the model knows of no mapping at 0x" + Long.toHexString(number << ContentModel.PAGE_SHIFT));
        }
        return entry.getValue();
    }

    /** Adds a region where there is none. */
    void add(Region region) {
        if (region.end() > region.start()) {
            byStart.put(region.start(), region);
        }
    }

    /** Takes a range out, cutting regions in two where need be, and returns what was there. */
    List<Region> carve(long start, long end) {
        List<Region> carved = new ArrayList<>();
        Map.Entry<Long, Region> below = byStart.lowerEntry(start);
        if (below != null && below.getValue().end() > start) {
            Region region = below.getValue();
            byStart.put(region.start(), region.part(region.start(), start));
            byStart.put(start, region.part(start, region.end()));
        }
        for (Map.Entry<Long, Region> entry = byStart.ceilingEntry(start);
                entry != null && entry.getKey() < end;
                entry = byStart.ceilingEntry(start)) {
            Region region = entry.getValue();
            byStart.remove(entry.getKey());
            if (region.end() > end) {
                add(region.part(end, region.end()));
                region = region.part(region.start(), end);
            }
            carved.add(region);
        }
        return carved;
    }
}
