// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A page of memory as those who have it see it: blocks of its own once it was written, and until then whatever is
 * behind it.
 *
 * <p>After free advice it may turn to zero by itself until it is written again, so it has several contents that are
 * possible; what was read rules some of them out.
 */
final class Cell {
    private @Nullable Cell behind;
    /** Every content that it may have; null while it has none of its own. */
    private @Nullable List<long[]> own;

    private boolean mayVanish;
    /** What was behind it before others wrote there, which may or may not have reached it. */
    private final List<long[]> before = new ArrayList<>();

    private Cell(@Nullable Cell behind, @Nullable List<long[]> own) {
        this.behind = behind;
        this.own = own;
    }

    static Cell inFrontOf(Cell behind) {
        return new Cell(behind, null);
    }

    static Cell zero() {
        return new Cell(null, List.of(new long[Tags.BLOCKS]));
    }

    /** A page that is not there: past the end of a file. */
    static Cell absent() {
        return new Cell(null, null);
    }

    boolean present() {
        return own != null || (behind != null && behind.present());
    }

    /** What it may contain: at least one content, unless it is absent. */
    List<long[]> possible() {
        List<long[]> contents = new ArrayList<>();
        if (own != null) {
            contents.addAll(own);
        } else if (behind != null) {
            contents.addAll(behind.possible());
            contents.addAll(before);
        }
        if (mayVanish) {
            contents.add(new long[Tags.BLOCKS]);
        }
        return contents;
    }

    boolean mayShow(int block, long tag) {
        return possible().stream().anyMatch(tags -> tags[block] == tag);
    }

    /** What {@code block} may show, as scripts expect it. */
    String tags(int block) {
        return possible().stream()
                .map(tags -> String.valueOf(tags[block]))
                .distinct()
                .collect(Collectors.joining("|"));
    }

    /** Somebody has read {@code tag}, which it may show. */
    void seen(int block, long tag) {
        List<long[]> fit =
                possible().stream().filter(tags -> tags[block] == tag).toList();
        if (own == null && behind != null && fit.stream().noneMatch(behind.possible()::contains)) {
            // It is what was there before, or zero: nothing from behind reaches it any more.
            own = fit;
            mayVanish = false;
        } else if (own == null && behind != null && before.stream().noneMatch(fit::contains)) {
            before.clear();
            if (!mayVanish) {
                behind.seen(block, tag);
            }
        } else if (own != null && !mayVanish) {
            own = fit;
        } else if (own != null && fit.stream().noneMatch(own::contains)) {
            own = fit;
            mayVanish = false;
        }
    }

    /** Somebody is about to write to what is behind it, in anonymous memory: whether it shows here nobody can tell. */
    void rememberBehind() {
        if (own == null && behind != null) {
            behind.possible().forEach(tags -> before.add(tags.clone()));
        }
    }

    /** This and what is behind it. */
    List<Cell> chain() {
        List<Cell> cells = new ArrayList<>(List.of(this));
        if (behind != null) {
            cells.addAll(behind.chain());
        }
        return cells;
    }

    /** Gives it contents of its own: what shows now. */
    void takeCopy() {
        own = possible().stream().map(long[]::clone).toList();
        before.clear();
        mayVanish = false;
    }

    /** Like {@link #takeCopy}; what is behind does not matter any more. */
    void detach() {
        takeCopy();
        behind = null;
    }

    void write(int firstBlock, int endBlock, long tag) {
        takeCopy();
        own.forEach(tags -> Arrays.fill(tags, firstBlock, endBlock, tag));
    }

    /**
     * What it is a page of ends with block {@code end} now: nothing is left of what lies behind, and what is new is
     * zero.
     */
    void endAt(int end) {
        if (end == 0) {
            own = null;
        } else if (own == null) {
            own = List.of(new long[Tags.BLOCKS]);
        } else if (end < Tags.BLOCKS) {
            write(end, Tags.BLOCKS, 0);
        }
    }

    /** From now on it may turn to zero until it is written. */
    void letVanish() {
        mayVanish = true;
    }

    boolean hasOwn() {
        return own != null;
    }

    /** Whether {@code other} is this one or behind it, so that what happens there may show here. */
    boolean sees(Cell other) {
        return this == other || (behind != null && behind.sees(other));
    }

    /** The page behind all others. */
    Cell bottom() {
        return behind == null ? this : behind.bottom();
    }

    @Override
    public String toString() {
        return String.join(" or ", possible().stream().map(Arrays::toString).toList());
    }
}
