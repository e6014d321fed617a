// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import org.jetbrains.lincheck.LincheckAssertionError;

/** Runs tests in a JVM whose classes have defects, and prints the first line of what each finds. */
final class Inspection {
    private Inspection() {}

    /** Each argument is a test: {@code class#method}. */
    public static void main(String[] tests) throws ReflectiveOperationException {
        for (String test : tests) {
            System.out.println(test + ": " + finding(test));
        }
    }

    private static String finding(String test) throws ReflectiveOperationException {
        int hash = test.indexOf('#');
        Class<?> type = Class.forName(test.substring(0, hash));
        Constructor<?> make = type.getDeclaredConstructor();
        make.setAccessible(true);
        Method method = type.getDeclaredMethod(test.substring(hash + 1));
        method.setAccessible(true);
        try {
            method.invoke(make.newInstance());
            return "nothing";
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof LincheckAssertionError found) {
                return found.getMessage().strip().lines().findFirst().orElse("");
            }
            throw e;
        }
    }
}
