// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.FutureTask;
import javax.inject.Inject;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import penumbra.exam.jupiter.PaxExam;
import penumbra.pager.PagerStatus;
import penumbra.pager.Pagers;

/** The example of a user's own backing store, plugged in and out while recorded programs run and page. */
@ExtendWith(PaxExam.class)
class HotPlugIT {
    @Inject
    private BundleContext context;

    @Inject
    private CommandProcessor commands;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    @Test
    void aUsersOwnStoreComesAndGoesWhileProgramsRun() throws Exception {
        FutureTask<String> replay = new FutureTask<>(
                () -> vm("replay --files generated --memory 1m --cpus 2 --swap 64m " + Shipped.LONG_SAMPLE));
        new Thread(replay, "replay").start();
        awaitPagesIn("file", replay);

        Bundle hello = context.installBundle(Shipped.HELLO.toUri().toString());
        hello.start();
        awaitPagesIn("hello", replay);
        hello.stop();

        assertThat(store("hello")).as("the store when its bundle has stopped").isNull();
        assertThat(replay).as("the replay when the store has gone").isNotDone();
        hello.uninstall();
        assertThat(replay.get()).contains("every byte as expected, all invariants hold");
    }

    /** Returns when programs have pages in the store; fails when they end before. */
    @SuppressWarnings("ThreadPriorityCheck") // Nobody tells when a page goes out.
    private void awaitPagesIn(String name, FutureTask<String> replay) throws Exception {
        @Nullable PagerStatus status = store(name);
        while (status == null || status.pages() == 0) {
            if (replay.isDone()) {
                throw new AssertionError("no page went to " + name + ": " + replay.get());
            }
            Thread.yield();
            status = store(name);
        }
    }

    /** The line of a store; null when there is no machine, or no such store. */
    private @Nullable PagerStatus store(String name) {
        @Nullable ServiceReference<Pagers> reference = context.getServiceReference(Pagers.class);
        @Nullable Pagers pagers = reference == null ? null : context.getService(reference);
        if (pagers == null) {
            return null;
        }
        return pagers.status().stream()
                .filter(line -> line.type().equals("swap") && line.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    private String vm(String command) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
        try (CommandSession session = commands.createSession(InputStream.nullInputStream(), out, out)) {
            session.execute("vm " + command);
        } catch (Exception e) {
            throw new AssertionError(printed.toString(StandardCharsets.UTF_8), e);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }
}
