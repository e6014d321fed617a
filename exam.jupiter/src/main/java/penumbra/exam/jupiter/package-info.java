// SPDX-License-Identifier: BSD-2-Clause
/**
 * A Pax Exam driver for JUnit Jupiter.
 *
 * <p>A test class carries {@link penumbra.exam.jupiter.PaxExam} and a method annotated with
 * {@link org.ops4j.pax.exam.Configuration}. The container is started once for the class; every test method runs inside
 * it, in a probe bundle made of the test classes, and is reported outside as if it had run there.
 */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.exam.jupiter;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
