// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuSpace;

/** A space of a {@link GuardedMmu}: an exception out of it parks the MMU. */
final class GuardedSpace implements MmuSpace {
    private final GuardedMmu guard;
    private final MmuSpace space;

    GuardedSpace(GuardedMmu guard, MmuSpace space) {
        this.guard = guard;
        this.space = space;
    }

    @Override
    public long walk(long address, int access) {
        guard.check();
        try {
            return space.walk(address, access);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public boolean enter(long page, int frame, int prot, int attributes) {
        guard.check();
        try {
            return space.enter(page, frame, prot, attributes);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public boolean enterQuick(long page, int frame, int prot, int attributes) {
        guard.check();
        try {
            return space.enterQuick(page, frame, prot, attributes);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public int largeSize() {
        guard.check();
        try {
            return space.largeSize();
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public boolean enterLarge(long page, int frame, int prot, int attributes) {
        guard.check();
        try {
            return space.enterLarge(page, frame, prot, attributes);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public long prefaultable(long start, int count) {
        guard.check();
        try {
            return space.prefaultable(start, count);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public void remove(long start, long end) {
        guard.check();
        try {
            space.remove(start, end);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public void removeUnwired() {
        guard.check();
        try {
            space.removeUnwired();
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public void protect(long start, long end, int prot) {
        guard.check();
        try {
            space.protect(start, end, prot);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public boolean changeWiring(long page, boolean wired) {
        guard.check();
        try {
            return space.changeWiring(page, wired);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public void advise(long start, long end, boolean keepModified) {
        guard.check();
        try {
            space.advise(start, end, keepModified);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public void copy(MmuSpace source, long start, long end) {
        guard.check();
        try {
            space.copy(((GuardedSpace) source).space, start, end);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public long query(long page) {
        guard.check();
        try {
            return space.query(page);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public boolean hold(long page, int prot, IntConsumer holder) {
        guard.check();
        try {
            return space.hold(page, prot, holder);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public List<String> path(long page) {
        guard.check();
        try {
            return space.path(page);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public long residentCount() {
        guard.check();
        try {
            return space.residentCount();
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public long wiredCount() {
        guard.check();
        try {
            return space.wiredCount();
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    @Override
    public void forEach(MappingVisitor visitor) {
        guard.check();
        Shield shield = new Shield(visitor);
        try {
            space.forEach(shield);
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
        shield.rethrow();
    }

    @Override
    public void release() {
        guard.check();
        try {
            space.release();
        } catch (RuntimeException | Error thrown) {
            throw guard.failed(thrown);
        }
    }

    /**
     * A visitor whose exception passes the MMU by: it is not the MMU's fault, and must not end a visit under its lock.
     */
    private static final class Shield implements MappingVisitor {
        private final MappingVisitor visitor;
        private @Nullable RuntimeException thrown;

        Shield(MappingVisitor visitor) {
            this.visitor = visitor;
        }

        @Override
        public void mapping(long page, int frame, int prot, int attributes) {
            if (thrown != null) {
                return;
            }
            try {
                visitor.mapping(page, frame, prot, attributes);
            } catch (RuntimeException escaped) {
                thrown = escaped;
            }
        }

        void rethrow() {
            if (thrown != null) {
                throw thrown;
            }
        }
    }
}
