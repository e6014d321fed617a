// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** What the system's components are waiting for. */
@Component(service = Needs.class)
public final class Needs {
    private final ServiceComponentRuntime runtime;

    @Activate
    public Needs(@Reference ServiceComponentRuntime runtime) {
        this.runtime = runtime;
    }

    /** One line for each component of ours that is not satisfied, or that failed to activate; empty if all is well. */
    public List<String> unsatisfied() {
        return runtime.getComponentDescriptionDTOs().stream()
                .filter(description -> description.bundle.symbolicName.startsWith("penumbra."))
                .flatMap(description -> runtime.getComponentConfigurationDTOs(description).stream())
                .filter(configuration -> (configuration.state & NOT_SATISFIED) != 0)
                .map(Needs::explain)
                .collect(Collectors.toList());
    }

    private static final int NOT_SATISFIED = ComponentConfigurationDTO.UNSATISFIED_CONFIGURATION
            | ComponentConfigurationDTO.UNSATISFIED_REFERENCE
            | ComponentConfigurationDTO.FAILED_ACTIVATION;

    private static String explain(ComponentConfigurationDTO configuration) {
        ComponentDescriptionDTO description = configuration.description;
        return description.name
                + switch (configuration.state) {
                    case ComponentConfigurationDTO.UNSATISFIED_CONFIGURATION -> " waits for its configuration";
                    case ComponentConfigurationDTO.UNSATISFIED_REFERENCE ->
                        " waits for "
                                + Arrays.stream(configuration.unsatisfiedReferences)
                                        .map(missing -> interfaceOf(description, missing))
                                        .collect(Collectors.joining(", "));
                    default ->
                        " failed: " + configuration.failure.lines().findFirst().orElse("");
                };
    }

    private static String interfaceOf(ComponentDescriptionDTO description, UnsatisfiedReferenceDTO missing) {
        return Arrays.stream(description.references)
                .filter(reference -> reference.name.equals(missing.name))
                .map(reference -> reference.interfaceName)
                .findFirst()
                .orElse(missing.name);
    }
}
