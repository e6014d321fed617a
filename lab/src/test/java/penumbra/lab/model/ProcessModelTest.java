// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ProcessModelTest {
    private static final int PAGE = ContentModel.PAGE_SIZE;
    private static final long BASE = 0x10000;

    private final ContentModel model = new ContentModel();
    private final ProcessModel process = model.process(7);

    private static final FileBytes COUNTING = (offset, into, at, length) -> {
        for (int i = 0; i < length; i++) {
            into[at + i] = (byte) (offset / PAGE + i * 3L);
        }
    };

    @Test
    void freshMemoryIsZero() {
        process.mapZero(BASE, 2 * PAGE);

        assertThat(process.check(BASE + 5, 8, 0)).isTrue();
        assertThat(process.check(BASE + 5, 8, 1L << 56)).isFalse();
        assertThat(process.check(BASE + PAGE - 3, 8, 1L << 56)).isFalse();
    }

    @Test
    void anUnknownPlaceIsAnErrorOfTheCaller() {
        assertThatThrownBy(() -> process.check(BASE, 1, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("0x10000");
    }

    @Test
    void aStoreIsSeenByteByByte() {
        process.mapZero(BASE, 2 * PAGE);
        long value = process.store(BASE + 3, 4, 1);

        assertThat(process.check(BASE + 3, 4, value)).isTrue();
        assertThat(process.check(BASE, 8, value << 24)).isTrue();
        assertThat(process.check(BASE + 4, 1, value >>> 8 & 0xff)).isTrue();
        assertThat(process.check(BASE + 3, 4, value ^ 1L << 31)).isFalse();
        assertThat(process.expected(BASE + 3)).isEqualTo((int) value & 0xff);
    }

    @Test
    void bytesBeyondTheSizeDoNotCount() {
        process.mapZero(BASE, PAGE);
        long value = process.store(BASE, 2, 1);

        assertThat(process.check(BASE, 2, value | 0xffff_0000L)).isTrue();
    }

    @Test
    void aStoreAcrossPagesReachesBoth() {
        process.mapZero(BASE, 2 * PAGE);
        long value = process.store(BASE + PAGE - 3, 8, 1);

        assertThat(process.check(BASE + PAGE - 3, 8, value)).isTrue();
        assertThat(process.check(BASE + PAGE, 5, value >>> 24)).isTrue();
        assertThat(process.check(BASE + PAGE - 3, 3, value)).isTrue();
        assertThat(process.check(BASE + PAGE + 4, 1, value >>> 56 ^ 0x10)).isFalse();
    }

    @Test
    void largeAccessesAreTheirPieces() {
        process.mapZero(BASE, 2 * PAGE);
        byte[] stored = new byte[512];
        process.store(BASE + PAGE - 101, 509, 9, stored);

        assertThat(process.check(BASE + PAGE - 101, 509, stored)).isTrue();
        stored[508]++;
        assertThat(process.check(BASE + PAGE - 101, 509, stored)).isFalse();
    }

    @Test
    void everyStoreEveryPlaceAndEveryProcessHasItsOwnValue() {
        long value = StoredBytes.value(1, 1, BASE, 8);

        assertThat(StoredBytes.value(1, 2, BASE, 8)).isNotEqualTo(value);
        assertThat(StoredBytes.value(2, 1, BASE, 8)).isNotEqualTo(value);
        assertThat(StoredBytes.value(1, 1, BASE + PAGE, 8)).isNotEqualTo(value);
        assertThat(StoredBytes.value(1, 1, BASE + 3, 4)).isEqualTo(value >>> 24 & 0xffffffffL);
    }

    @Test
    void relativesPartAtTheFork() {
        process.mapZero(BASE, PAGE);
        long before = process.store(BASE, 8, 1);
        ProcessModel child = process.fork(8);
        long parents = process.store(BASE, 8, 2);
        assertThat(child.check(BASE, 8, before)).isTrue();
        assertThat(process.check(BASE, 8, parents)).isTrue();

        long childs = child.store(BASE, 4, 1);
        assertThat(child.check(BASE, 4, childs)).isTrue();
        assertThat(child.check(BASE + 4, 4, before >>> 32)).isTrue();
        assertThat(process.check(BASE, 8, parents)).isTrue();
    }

    @Test
    void aPageOfRelativesIsHeldOnceAndReleasedWithTheLast() {
        process.mapZero(BASE, PAGE);
        long empty = model.bytesHeld();
        process.store(BASE, 8, 1);
        assertThat(model.bytesHeld() - empty).isEqualTo(ContentModel.PAGE_COST);

        ProcessModel child = process.fork(8);
        long tables = model.bytesHeld() - empty - ContentModel.PAGE_COST;
        process.close();
        assertThat(model.bytesHeld() - empty - tables).isEqualTo(ContentModel.PAGE_COST);
        child.store(BASE, 8, 1);
        assertThat(model.bytesHeld() - empty - tables).isEqualTo(ContentModel.PAGE_COST);
        child.close();
        assertThat(model.bytesHeld() - empty - tables).isZero();
    }

    @Test
    void aPrivateFileShowsItsBytesAndKeepsStoresToItself() {
        FileContent file = model.file(COUNTING);
        process.mapPrivate(BASE, 2 * PAGE, file, 4 * PAGE);
        ProcessModel other = model.process(8);
        other.mapPrivate(BASE, PAGE, file, 5 * PAGE);

        assertThat(process.expected(BASE + PAGE + 2)).isEqualTo(5 + 6);
        long value = process.store(BASE + PAGE, 2, 1);
        assertThat(process.check(BASE + PAGE, 2, value)).isTrue();
        assertThat(process.expected(BASE + PAGE + 2)).isEqualTo(5 + 6);
        assertThat(other.expected(BASE)).isEqualTo(5);
        assertThat(process.sharedPage(BASE)).isNull();
    }

    @Test
    void aSharedFileShowsEveryStoreToAllWhoHaveNoCopy() {
        FileContent file = model.file(COUNTING);
        ProcessModel other = model.process(8);
        process.mapShared(BASE, PAGE, file, 0);
        other.mapPrivate(BASE, 2 * PAGE, file, 0);
        assertThat(other.expected(BASE)).isZero();

        long value = process.store(BASE, 8, 1);
        assertThat(other.check(BASE, 8, value)).isTrue();
        assertThat(process.sharedPage(BASE)).isNotNull().isSameAs(other.sharedPage(BASE));

        long own = other.store(BASE + 100, 1, 1);
        process.store(BASE, 8, 2);
        assertThat(other.check(BASE, 8, value)).isTrue();
        assertThat(other.check(BASE + 100, 1, own)).isTrue();
    }

    @Test
    void sharedMemorySurvivesForkAndDiscard() {
        process.mapShared(BASE, PAGE, model.sharedMemory(), 0);
        ProcessModel child = process.fork(8);
        long value = child.store(BASE, 8, 1);
        process.discard(BASE, PAGE);

        assertThat(process.check(BASE, 8, value)).isTrue();
    }

    @Test
    void discardedMemoryIsWhatLiesUnderIt() {
        process.mapZero(BASE, PAGE);
        process.mapPrivate(BASE + PAGE, PAGE, model.file(COUNTING), 0);
        process.store(BASE, 8, 1);
        process.store(BASE + PAGE, 8, 2);
        process.discard(BASE, 2 * PAGE);

        assertThat(process.check(BASE, 8, 0)).isTrue();
        assertThat(process.expected(BASE + PAGE + 1)).isEqualTo(3);
    }

    @Test
    void aMappingReplacesWhatWasThere() {
        process.mapZero(BASE, 3 * PAGE);
        long first = process.store(BASE, 8, 1);
        process.store(BASE + PAGE, 8, 2);
        long last = process.store(BASE + 2 * PAGE, 8, 3);
        process.mapPrivate(BASE + PAGE, 100, model.file(COUNTING), PAGE);

        assertThat(process.check(BASE, 8, first)).isTrue();
        assertThat(process.expected(BASE + PAGE)).isEqualTo(1);
        assertThat(process.check(BASE + 2 * PAGE, 8, last)).isTrue();
    }

    @Test
    void aMoveTakesEverythingAlongAndGrows() {
        process.mapPrivate(BASE, 2 * PAGE, model.file(COUNTING), 0);
        long value = process.store(BASE, 8, 1);
        long target = BASE + 100 * PAGE;
        process.move(BASE, 2 * PAGE, target, 3 * PAGE);

        assertThat(process.check(target, 8, value)).isTrue();
        assertThat(process.expected(target + PAGE)).isEqualTo(1);
        assertThat(process.expected(target + 2 * PAGE)).isEqualTo(2);
        assertThatThrownBy(() -> process.expected(BASE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aMoveInPlaceShrinks() {
        process.mapZero(BASE, 2 * PAGE);
        long value = process.store(BASE, 8, 1);
        process.move(BASE, 2 * PAGE, BASE, PAGE);

        assertThat(process.check(BASE, 8, value)).isTrue();
        assertThatThrownBy(() -> process.expected(BASE + PAGE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void freedMemoryMayVanishOnceUntilItIsStoredTo() {
        process.mapZero(BASE, PAGE);
        long old = process.store(BASE, 8, 1);
        process.mayDiscard(BASE, PAGE);

        assertThat(process.check(BASE, 8, old)).isTrue();
        assertThat(process.check(BASE, 8, ~old)).isFalse();
        assertThat(process.check(BASE, 8, 0)).isTrue();
        assertThat(process.check(BASE, 8, old))
                .as("what has vanished does not come back")
                .isFalse();
    }

    @Test
    void freedMemoryThatIsStoredToStaysWhatItIsThen() {
        process.mapZero(BASE, PAGE);
        long old = process.store(BASE, 8, 1);
        process.mayDiscard(BASE, PAGE);
        long fresh = process.store(BASE + 8, 8, 2);

        assertThat(process.check(BASE + 8, 8, fresh)).isTrue();
        assertThat(process.check(BASE, 8, old)).isTrue();
        assertThat(process.check(BASE, 8, 0)).as("it was there after the store").isFalse();
        long held = model.bytesHeld();
        process.unmap(BASE, PAGE);
        assertThat(held - model.bytesHeld()).isEqualTo(ContentModel.PAGE_COST);
    }

    @Test
    void freedMemoryOfRelativesIsJudgedForEach() {
        process.mapZero(BASE, PAGE);
        long old = process.store(BASE, 8, 1);
        long held = model.bytesHeld();
        process.mayDiscard(BASE, PAGE);
        ProcessModel child = process.fork(8);
        long tables = model.bytesHeld() - held;

        assertThat(process.check(BASE, 8, 0)).isTrue();
        assertThat(child.check(BASE, 8, old)).isTrue();
        process.close();
        child.close();
        assertThat(model.bytesHeld()).isEqualTo(held + tables - ContentModel.PAGE_COST);
    }

    @Test
    void whatIsTouchedIsCountedOncePerProcess() {
        process.mapZero(BASE, 4 * PAGE);
        process.store(BASE, 8, 1);
        process.check(BASE, 8, 0);
        process.check(BASE + PAGE - 1, 2, 0);
        ProcessModel child = process.fork(8);
        child.check(BASE, 1, 0);

        assertThat(model.bytesTouched()).isEqualTo(3 * PAGE);
    }

    @Test
    void aDenselyUsedMemoryCostsLittleMoreThanItself() {
        int pages = 10_000;
        process.mapZero(BASE, (long) pages * PAGE);
        for (long page = 0; page < pages; page++) {
            process.store(BASE + page * PAGE, 8, page + 1);
        }

        assertThat(model.bytesTouched()).isEqualTo((long) pages * PAGE);
        assertThat(model.peakBytesHeld()).isBetween((long) pages * PAGE, (long) (pages * PAGE * 1.05));
    }
}
