// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import penumbra.vm.map.ProcessTable;
import penumbra.vm.object.ObjectCore;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.vnode.VnodeTable;

/** The table of values to set says the same as the components that they configure. */
class TunableTest {
    static List<Tunable> all() {
        return Tunable.ALL;
    }

    @ParameterizedTest
    @MethodSource("all")
    void agreesWithTheComponent(Tunable tunable) throws Exception {
        Element attribute = attribute(tunable);
        if (tunable.truth()) {
            assertThat(attribute.getAttribute("type")).isEqualTo("Boolean");
            assertThat(attribute.getAttribute("default")).isEqualTo(tunable.initial() == 1 ? "true" : "false");
            assertThat(tunable.least()).isZero();
            assertThat(tunable.most()).isEqualTo(1);
        } else {
            assertThat(attribute.getAttribute("type")).isEqualTo("Integer");
            assertThat(attribute.getAttribute("min")).isEqualTo(Integer.toString(tunable.least()));
            assertThat(attribute.getAttribute("max")).isEqualTo(Integer.toString(tunable.most()));
            assertThat(attribute.getAttribute("default")).isEqualTo(Integer.toString(tunable.initial()));
        }
    }

    private static Element attribute(Tunable tunable) throws Exception {
        for (Document document : metatypes()) {
            Element designate =
                    (Element) document.getElementsByTagName("Designate").item(0);
            if (designate.getAttribute("pid").equals(tunable.pid())) {
                NodeList attributes = document.getElementsByTagName("AD");
                for (int i = 0; i < attributes.getLength(); i++) {
                    Element attribute = (Element) attributes.item(i);
                    if (attribute.getAttribute("id").equals(tunable.property())) {
                        return attribute;
                    }
                }
            }
        }
        throw new AssertionError(tunable + ": no component has this property");
    }

    /** What the bundles with these classes let configure. */
    private static List<Document> metatypes() throws Exception {
        List<Document> documents = new ArrayList<>();
        for (Class<?> member : List.of(ProcessTable.class, ObjectCore.class, PagerLayer.class, VnodeTable.class)) {
            Path bundle = bundleOf(member);
            if (Files.isDirectory(bundle)) {
                read(bundle.resolve("OSGI-INF/metatype"), documents);
            } else {
                try (FileSystem jar = FileSystems.newFileSystem(bundle)) {
                    read(jar.getPath("OSGI-INF/metatype"), documents);
                }
            }
        }
        return documents;
    }

    private static Path bundleOf(Class<?> member) throws URISyntaxException {
        return Path.of(
                member.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private static void read(Path folder, List<Document> documents) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                documents.add(parse(file));
            }
        }
    }

    private static Document parse(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in);
        }
    }
}
