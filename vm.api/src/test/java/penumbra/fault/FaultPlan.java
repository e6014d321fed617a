// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fault;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import penumbra.kern.SteadyChannel.Opener;

/**
 * One fault, and which of the transfers of the channels that {@link #opener} opens it happens to: the n-th that it can
 * happen to, once or from then on. Chance comes from a seed. Thread-safe.
 */
public final class FaultPlan {
    private final Fault fault;
    private final Random random;
    private final CountDownLatch slowBegan = new CountDownLatch(1);
    private final CountDownLatch slowEnds = new CountDownLatch(1);

    /** What each page held before it was last written, for stale reads. */
    private final Map<Long, byte[]> before = new HashMap<>();

    /** Transfers that were interrupted and are to be made again. */
    private final Set<String> interrupted = new HashSet<>();

    private int left = Integer.MAX_VALUE;
    private boolean forEver;
    private int fired;

    /** A plan that does nothing before it is armed. */
    public FaultPlan(Fault fault, long seed) {
        this.fault = fault;
        this.random = new Random(seed);
    }

    /** Lets the fault happen to the {@code n}-th transfer from now, 1 being the next, and to all after it if asked. */
    public synchronized void arm(int n, boolean afterwardsToo) {
        left = n;
        forEver = afterwardsToo;
        fired = 0;
    }

    /** Lets nothing go wrong any more. */
    public synchronized void disarm() {
        left = Integer.MAX_VALUE;
        forEver = false;
        slowEnds.countDown();
    }

    /** How often the fault happened since the plan was armed. */
    public synchronized int fired() {
        return fired;
    }

    /** Blocks until a slow transfer has begun. */
    public void awaitSlow() throws InterruptedException {
        slowBegan.await();
    }

    /** Lets slow transfers go on. */
    public void letGo() {
        slowEnds.countDown();
    }

    /** Opens files of the host with the fault in between. */
    public Opener opener() {
        return (path, options) -> new FaultyChannel(FileChannel.open(path, options), this);
    }

    Fault fault() {
        return fault;
    }

    /** Whether the fault happens to this transfer, which it can happen to. */
    synchronized boolean fires(String transfer) {
        if (left == Integer.MAX_VALUE || (fault == Fault.INTERRUPT && interrupted.remove(transfer))) {
            return false;
        }
        left--;
        boolean now = left == 0 || (left < 0 && forEver);
        if (now) {
            fired++;
            if (fault == Fault.INTERRUPT) {
                // An interrupt whenever the transfer is tried would be one without end.
                interrupted.add(transfer);
            }
        }
        return now;
    }

    /** A part of {@code length} bytes: at least one block if there are two, and not all. */
    synchronized int part(int length) {
        int blocks = length / 512;
        return blocks < 2 ? length / 2 : 512 * (1 + random.nextInt(blocks - 1));
    }

    /** Somewhere else than {@code position}: one to eight pages away. */
    synchronized long elsewhere(long position) {
        long distance = 4096L * (1 + random.nextInt(8));
        return position >= distance && random.nextBoolean() ? position - distance : position + distance;
    }

    /** Notes what the pages that are about to be written hold. */
    void remember(FileChannel channel, long position, int length) throws IOException {
        if (fault != Fault.STALE_READ) {
            return;
        }
        for (long at = position / 4096 * 4096; at < position + length; at += 4096) {
            ByteBuffer page = ByteBuffer.allocate(4096);
            channel.read(page, at);
            synchronized (this) {
                before.put(at, page.array());
            }
        }
    }

    /** Puts what the pages held before in place of what was just read. */
    synchronized void makeStale(ByteBuffer read, int start, long position) {
        for (int i = start; i < read.position(); i++) {
            long at = position + i - start;
            byte[] page = before.get(at / 4096 * 4096);
            if (page != null) {
                read.put(i, page[(int) (at % 4096)]);
            }
        }
    }

    void beSlow() throws IOException {
        slowBegan.countDown();
        try {
            slowEnds.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while slow", e);
        }
    }
}
