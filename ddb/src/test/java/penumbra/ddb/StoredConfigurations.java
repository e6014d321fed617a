// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.Dictionary;
import java.util.Map;
import java.util.TreeMap;
import org.osgi.framework.FrameworkUtil;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** A configuration service that keeps what it is told, and does nothing else. */
final class StoredConfigurations {
    final Map<String, Map<String, Object>> stored = new TreeMap<>();

    ConfigurationAdmin service() {
        return proxy(ConfigurationAdmin.class, (service, method, arguments) -> switch (method.getName()) {
            case "getConfiguration" -> configuration((String) arguments[0]);
            case "getFactoryConfiguration" -> configuration(arguments[0] + "~" + arguments[1]);
            case "listConfigurations" -> list((String) arguments[0]);
            default -> throw new UnsupportedOperationException(method.toString());
        });
    }

    private Configuration[] list(String filter) {
        String pid = filter.replaceAll("\\(service.pid=(.*)\\)", "$1");
        return stored.containsKey(pid) ? new Configuration[] {configuration(pid)} : null;
    }

    private Configuration configuration(String pid) {
        return proxy(Configuration.class, (configuration, method, arguments) -> switch (method.getName()) {
            case "getProperties" -> stored.containsKey(pid) ? FrameworkUtil.asDictionary(stored.get(pid)) : null;
            case "update" -> stored.put(pid, copy((Dictionary<?, ?>) arguments[0]));
            default -> throw new UnsupportedOperationException(method.toString());
        });
    }

    private static Map<String, Object> copy(Dictionary<?, ?> properties) {
        Map<String, Object> copy = new TreeMap<>();
        for (Object key : Collections.list(properties.keys())) {
            copy.put((String) key, properties.get(key));
        }
        return copy;
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
