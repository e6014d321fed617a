// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import java.lang.reflect.Method;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.TestInstancePostProcessor;
import org.ops4j.pax.exam.util.Injector;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceReference;

/**
 * The extension that runs a test class inside an OSGi container: {@code @ExtendWith(PaxExam.class)}.
 *
 * <p>The same class serves on both sides. On the host, where the build runs the tests, it starts the container that the
 * class's {@link org.ops4j.pax.exam.Configuration} method describes and sends each test there by its unique id instead
 * of running it. In the container it fills the fields annotated with {@code @Inject} and parameters of type
 * {@link BundleContext}, and lets the test run.
 *
 * <p>In the container every test is a run of its own, so {@code @BeforeAll} and {@code @AfterAll} methods run once for
 * each test method, and no field keeps its value from one test to the next.
 */
public final class PaxExam
        implements BeforeAllCallback,
                AfterAllCallback,
                TestInstancePostProcessor,
                ParameterResolver,
                InvocationInterceptor {
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(PaxExam.class);
    private static final boolean IN_CONTAINER = FrameworkUtil.getBundle(PaxExam.class) != null;

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        // A nested class runs in the container of the class around it.
        if (!IN_CONTAINER && hostOf(context) == null) {
            store(context).put(Host.class, Host.start(context.getRequiredTestClass()));
        }
    }

    @Override
    public void afterAll(ExtensionContext context) {
        if (!IN_CONTAINER && store(context).remove(Host.class) instanceof Host host) {
            host.stop();
        }
    }

    @Override
    public void postProcessTestInstance(Object instance, ExtensionContext context) {
        if (IN_CONTAINER) {
            BundleContext bundle = bundleContextOf(instance.getClass());
            ServiceReference<Injector> injector = bundle.getServiceReference(Injector.class);
            bundle.getService(injector).injectFields(instance);
            bundle.ungetService(injector);
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == BundleContext.class;
    }

    @Override
    public @Nullable Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return IN_CONTAINER ? bundleContextOf(context.getRequiredTestClass()) : null;
    }

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        test(invocation, context);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        test(invocation, context);
    }

    /** On the host a factory counts as one test: the dynamic tests that it makes exist in the container only. */
    @Override
    @SuppressWarnings("unchecked")
    public <T> T interceptTestFactoryMethod(
            Invocation<T> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        if (IN_CONTAINER) {
            return invocation.proceed();
        }
        test((Invocation<@Nullable Void>) invocation, context);
        return (T) Stream.empty();
    }

    @Override
    public void interceptBeforeAllMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        lifecycle(invocation);
    }

    @Override
    public void interceptBeforeEachMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        lifecycle(invocation);
    }

    @Override
    public void interceptAfterEachMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        lifecycle(invocation);
    }

    @Override
    public void interceptAfterAllMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        lifecycle(invocation);
    }

    private static void test(Invocation<@Nullable Void> invocation, ExtensionContext context) throws Throwable {
        if (IN_CONTAINER) {
            invocation.proceed();
            return;
        }
        invocation.skip();
        Host host = hostOf(context);
        if (host == null) {
            throw new IllegalStateException("no container was started for " + context.getUniqueId());
        }
        host.run(context.getUniqueId());
    }

    private static void lifecycle(Invocation<@Nullable Void> invocation) throws Throwable {
        if (IN_CONTAINER) {
            invocation.proceed();
        } else {
            invocation.skip();
        }
    }

    private static @Nullable Host hostOf(ExtensionContext context) {
        return store(context).get(Host.class, Host.class);
    }

    private static ExtensionContext.Store store(ExtensionContext context) {
        return context.getStore(NAMESPACE);
    }

    private static BundleContext bundleContextOf(Class<?> testClass) {
        return Optional.ofNullable(FrameworkUtil.getBundle(testClass))
                .map(Bundle::getBundleContext)
                .orElseThrow(() -> new IllegalStateException(testClass + " is in no active bundle"));
    }
}
