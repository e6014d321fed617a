// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.osgi.framework.dto.ServiceReferenceDTO;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.SatisfiedReferenceDTO;

/**
 * The components that cannot be without one of them, each before those that it uses.
 *
 * <p>Taking that one away would take the others down, too, but in an order of chance among those that use it directly,
 * and some of them need each other until the end through references that are not mandatory: the table of vnodes ends
 * its objects by a pager that the pager layer merely follows.
 */
final class Dependants {
    private final List<ComponentConfigurationDTO> all;
    private final Set<Long> members = new TreeSet<>();
    private final Set<Long> visited = new TreeSet<>();
    private final List<ComponentDescriptionDTO> ordered = new ArrayList<>();

    private Dependants(ServiceComponentRuntime runtime) {
        all = runtime.getComponentDescriptionDTOs().stream()
                .flatMap(description -> runtime.getComponentConfigurationDTOs(description).stream())
                .toList();
    }

    /** The components that go with {@code root}, which comes last. */
    static List<ComponentDescriptionDTO> of(ServiceComponentRuntime runtime, ComponentDescriptionDTO root) {
        Dependants dependants = new Dependants(runtime);
        List<ComponentConfigurationDTO> roots = dependants.all.stream()
                .filter(configuration -> configuration.description.name.equals(root.name))
                .toList();
        roots.forEach(dependants::gather);
        roots.forEach(dependants::order);
        return dependants.ordered;
    }

    private void gather(ComponentConfigurationDTO component) {
        if (members.add(component.id)) {
            all.stream().filter(user -> needs(user, component)).forEach(this::gather);
        }
    }

    private void order(ComponentConfigurationDTO component) {
        if (visited.add(component.id)) {
            all.stream()
                    .filter(user -> members.contains(user.id) && uses(user, component))
                    .forEach(this::order);
            ordered.add(component.description);
        }
    }

    private boolean needs(ComponentConfigurationDTO user, ComponentConfigurationDTO component) {
        return Arrays.stream(user.satisfiedReferences)
                .filter(reference -> isMandatory(user.description, reference))
                .flatMap(reference -> Arrays.stream(reference.boundServices))
                .anyMatch(service -> provides(component, service));
    }

    private boolean uses(ComponentConfigurationDTO user, ComponentConfigurationDTO component) {
        return Arrays.stream(user.satisfiedReferences)
                .flatMap(reference -> Arrays.stream(reference.boundServices))
                .anyMatch(service -> provides(component, service));
    }

    private static boolean isMandatory(ComponentDescriptionDTO user, SatisfiedReferenceDTO bound) {
        return Arrays.stream(user.references)
                .anyMatch(reference -> reference.name.equals(bound.name) && reference.cardinality.startsWith("1"));
    }

    /** Whether a service is a component's own, or one that it may have registered by hand. */
    private boolean provides(ComponentConfigurationDTO component, ServiceReferenceDTO service) {
        if (component.service != null) {
            return component.service.id == service.id;
        }
        return component.description.bundle.id == service.bundle
                && registrants(service).findAny().isEmpty();
    }

    private Stream<ComponentConfigurationDTO> registrants(ServiceReferenceDTO service) {
        return all.stream().filter(other -> other.service != null && other.service.id == service.id);
    }
}
