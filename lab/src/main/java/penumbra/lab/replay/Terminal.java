// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.Console;
import java.lang.reflect.InvocationTargetException;

/** Whether somebody sits in front of the output. */
final class Terminal {
    private Terminal() {}

    /** Since Java 22 there is a console without a terminal, too, which then says so itself. */
    static boolean present() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (IllegalAccessException | InvocationTargetException e) {
            return false;
        }
    }
}
