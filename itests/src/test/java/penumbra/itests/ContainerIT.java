// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.util.Arrays;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import penumbra.exam.jupiter.PaxExam;

/** The container as it is shipped: everything starts, and nothing waits for something that never comes. */
@ExtendWith(PaxExam.class)
class ContainerIT {
    @Inject
    private BundleContext context;

    @Inject
    private ServiceComponentRuntime components;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    @Test
    void everyBundleIsActive() {
        assertThat(Arrays.stream(context.getBundles())
                        .filter(bundle -> bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null))
                .allSatisfy(bundle ->
                        assertThat(bundle.getState()).as(bundle.toString()).isEqualTo(Bundle.ACTIVE));
    }

    @Test
    void everyComponentIsSatisfied() {
        assertThat(descriptions()
                        .flatMap(description -> components.getComponentConfigurationDTOs(description).stream()))
                .isNotEmpty()
                .filteredOn(configuration -> configuration.state != ComponentConfigurationDTO.SATISFIED
                        && configuration.state != ComponentConfigurationDTO.ACTIVE)
                .extracting(ContainerIT::explain)
                .isEmpty();
    }

    /**
     * A component whose class cannot be loaded, or that is disabled, has no configuration and would be missed above.
     */
    @Test
    void everyComponentHasAConfiguration() {
        assertThat(descriptions())
                .filteredOn(description ->
                        !"require".equals(description.configurationPolicy) && description.factory == null)
                .filteredOn(description ->
                        components.getComponentConfigurationDTOs(description).isEmpty())
                .extracting(description -> description.name)
                .isEmpty();
    }

    private Stream<ComponentDescriptionDTO> descriptions() {
        return components.getComponentDescriptionDTOs().stream()
                .filter(description -> description.bundle.symbolicName.startsWith("penumbra."));
    }

    private static String explain(ComponentConfigurationDTO configuration) {
        return configuration.description.name + " lacks "
                + Arrays.stream(configuration.unsatisfiedReferences)
                        .map(reference -> reference.name)
                        .toList()
                + ", failure " + configuration.failure;
    }
}
