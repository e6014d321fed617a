// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.service.startlevel.StartLevel;
import penumbra.exam.jupiter.Bundles;
import penumbra.exam.jupiter.PaxExam;

/** Tests of every kind and outcome, run by {@link PaxExamIT} and not by the build itself. */
@ExtendWith(PaxExam.class)
@SuppressWarnings("deprecation") // StartLevel is the one service that every framework offers
class Sample {
    @Inject
    private StartLevel service;

    @Inject
    private BundleContext context;

    private boolean prepared;

    @Configuration
    Option[] container() {
        return options(Bundles.bundlesIn(Path.of("target/bundles")));
    }

    @BeforeEach
    void prepare() {
        prepared = true;
    }

    @AfterEach
    void inContainer() {
        assertNotNull(FrameworkUtil.getBundle(Sample.class), "a life-cycle method runs on the host");
    }

    @Test
    void runsInTheProbe(BundleContext parameter) {
        assertSame(FrameworkUtil.getBundle(Sample.class), parameter.getBundle());
        assertTrue(prepared);
    }

    @Test
    void hasServices() {
        assertNotNull(service.getStartLevel());
        assertSame(FrameworkUtil.getBundle(Sample.class), context.getBundle());
    }

    @Test
    void fails() {
        throw new IllegalStateException("outer", new Unportable());
    }

    @Test
    void assumesWrongly() {
        assumeTrue(FrameworkUtil.getBundle(Sample.class) == null, "not in the container");
    }

    @Test
    @Disabled("on purpose")
    void disabled() {
        throw new AssertionError("ran although disabled");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void isNotTwo(int number) {
        assertTrue(number != 2, "two");
    }

    @TestFactory
    Stream<DynamicTest> passingFactory() {
        return factory(3);
    }

    @TestFactory
    Stream<DynamicTest> failingFactory() {
        return factory(5);
    }

    private static Stream<DynamicTest> factory(int last) {
        return IntStream.rangeClosed(1, last)
                .mapToObj(i -> DynamicTest.dynamicTest("test " + i, () -> assertTrue(i < 4, "dynamic " + i)));
    }

    @Nested
    class Inner {
        @Test
        void runsInTheProbe() {
            assertNotNull(FrameworkUtil.getBundle(getClass()));
            assertTrue(prepared);
            assertEquals(context.getBundle(), FrameworkUtil.getBundle(getClass()));
        }
    }

    /** A failure that only the container can hold: its field cannot be serialized. */
    private static final class Unportable extends Exception {
        private static final long serialVersionUID = 1;

        @SuppressWarnings("serial")
        private final Object thread = Thread.currentThread();

        @Override
        public String getMessage() {
            return "inner of " + (thread instanceof Thread);
        }
    }
}
