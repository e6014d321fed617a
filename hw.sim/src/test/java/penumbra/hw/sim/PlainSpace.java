// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import java.util.concurrent.ConcurrentHashMap;
import penumbra.hw.PageSize;
import penumbra.hw.TlbEntry;
import penumbra.hw.Translation;

/** A space whose tables are a map: page to {@link TlbEntry}. */
class PlainSpace implements Translation {
    final ConcurrentHashMap<Long, Long> tables = new ConcurrentHashMap<>();
    private final int asid;

    PlainSpace(int asid) {
        this.asid = asid;
    }

    @Override
    public int asid() {
        return asid;
    }

    @Override
    public long walk(long address, int access) {
        long entry = tables.getOrDefault(PageSize.index(address), TlbEntry.MISS);
        return TlbEntry.allows(entry, access) ? entry : TlbEntry.MISS;
    }

    void map(long page, int frame, int prot) {
        tables.put(page, TlbEntry.of(frame, prot, true));
    }
}
