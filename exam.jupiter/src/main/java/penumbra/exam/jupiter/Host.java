// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.HierarchyTraversalMode;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Constants;
import org.ops4j.pax.exam.ExamSystem;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.OptionUtils;
import org.ops4j.pax.exam.TestAddress;
import org.ops4j.pax.exam.TestContainer;
import org.ops4j.pax.exam.TestProbeBuilder;
import org.ops4j.pax.exam.spi.PaxExamRuntime;

/** The container of one test class, seen from outside. */
final class Host {
    private final TestContainer container;
    private final TestAddress probe;

    private Host(TestContainer container, TestAddress probe) {
        this.container = container;
        this.probe = probe;
    }

    /** Starts the container that {@code testClass} asks for and installs the probe; blocks until both are done. */
    static Host start(Class<?> testClass) throws Exception {
        Option[] driver = {
            systemProperty("pax.exam.invoker").value(ContainerActivator.DRIVER),
            // What the container logs before its logging is configured.
            systemProperty("org.ops4j.pax.logging.DefaultServiceLog.level").value("WARN"),
        };
        // The container's logging is one of the bundles under test, not another one brought by Pax Exam.
        System.setProperty(Constants.EXAM_LOGGING_KEY, Constants.EXAM_LOGGING_NONE);
        ExamSystem system = PaxExamRuntime.createTestSystem(OptionUtils.combine(driver, optionsOf(testClass)));
        TestContainer container = PaxExamRuntime.createContainer(system);
        container.start();
        try {
            return new Host(container, installProbe(system, container, testClass));
        } catch (IOException | RuntimeException | Error e) {
            container.stop();
            throw e;
        }
    }

    /** Runs one test in the container; what it throws is thrown again here, in classes of the JDK. */
    void run(String uniqueId) {
        try {
            container.call(new UniqueIdAddress(probe, uniqueId));
        } catch (RuntimeException e) {
            throw Outcome.received(e);
        }
    }

    void stop() {
        container.uninstallProbe();
        container.stop();
    }

    private static TestAddress installProbe(ExamSystem system, TestContainer container, Class<?> testClass)
            throws IOException {
        TestProbeBuilder builder = system.createProbe();
        TestAddress address = builder.addTest(testClass, testClass.getSimpleName());
        try (InputStream stream = builder.build().getStream()) {
            container.installProbe(stream);
        }
        return address;
    }

    private static Option[] optionsOf(Class<?> testClass) throws ReflectiveOperationException {
        List<Method> methods = AnnotationSupport.findAnnotatedMethods(
                testClass, Configuration.class, HierarchyTraversalMode.BOTTOM_UP);
        if (methods.size() != 1) {
            throw new ExtensionConfigurationException(
                    testClass.getName() + " needs one @Configuration method, but has " + methods.size());
        }
        Method method = methods.get(0);
        method.setAccessible(true);
        try {
            return (Option[]) method.invoke(Modifier.isStatic(method.getModifiers()) ? null : instanceOf(testClass));
        } catch (InvocationTargetException e) {
            throw new ExtensionConfigurationException(method + " failed", e.getCause());
        }
    }

    private static Object instanceOf(Class<?> testClass) throws ReflectiveOperationException {
        Constructor<?> constructor = testClass.getDeclaredConstructor();
        constructor.setAccessible(true);
        return constructor.newInstance();
    }
}
