// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code vm}, in a source tree of its own with a stand-in for Maven. */
class LauncherIT {
    private static final Instant LONG_AGO = Instant.parse("2020-01-01T00:00:00Z");

    @TempDir
    private Path folder;

    private Path root;
    private Path jar;
    private Path source;
    private Path mavenWasHere;

    @BeforeEach
    void tree() throws IOException {
        root = Files.createDirectory(folder.resolve("a tree"));
        mavenWasHere = folder.resolve("maven was here");
        jar = root.resolve("dist/target/penumbra.jar");
        source = root.resolve("vm.page/src/main/java/Page.java");
        Files.createDirectories(jar.getParent());
        Files.createDirectories(source.getParent());
        Files.writeString(source, "");
        Files.setLastModifiedTime(source, FileTime.from(LONG_AGO));
        Files.copy(Shipped.LAUNCHER, root.resolve("vm"));
        maven("touch '" + mavenWasHere + "'; cp '" + Shipped.JAR + "' dist/target/penumbra.jar");
    }

    @Test
    void buildsOnFirstUse() throws Exception {
        assertThat(vm("--version").out()).startsWith("Penumbra ");
        assertThat(mavenWasHere).exists();
    }

    @Test
    void buildsAgainWhenASourceIsNewer() throws Exception {
        Files.copy(Shipped.JAR, jar);
        Files.setLastModifiedTime(jar, FileTime.from(LONG_AGO.plusSeconds(1)));
        Files.setLastModifiedTime(source, FileTime.from(LONG_AGO.plusSeconds(2)));
        assertThat(vm("--version").status()).isZero();
        assertThat(mavenWasHere).exists();
        Files.delete(mavenWasHere);
        assertThat(vm("--version").status()).isZero();
        assertThat(mavenWasHere).doesNotExist();
    }

    @Test
    void doesNotBuildWhenNothingChanged() throws Exception {
        Files.copy(Shipped.JAR, jar);
        assertThat(vm("--version").status()).isZero();
        assertThat(mavenWasHere).doesNotExist();
    }

    @Test
    void saysWhatWentWrongInABuild() throws Exception {
        maven("echo broken; exit 3");
        Vm.Ended ended = vm("--version");
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).isEqualTo("broken\nvm: the build failed\n");
        assertThat(ended.status()).isEqualTo(1);
    }

    @Test
    void passesArgumentsAndStatusOnAndLeavesTheDirectoryAlone() throws Exception {
        Files.copy(Shipped.JAR, jar);
        Files.writeString(folder.resolve("my script"), "echo hello\nnosuch\n");
        Vm.Ended ended = vm("script", "my script");
        assertThat(ended.out()).isEqualTo("hello\n");
        assertThat(ended.err()).isEqualTo("my script:2: Command not found: nosuch\n");
        assertThat(ended.status()).isEqualTo(1);
    }

    /** Runs the script by a relative path, from the folder above the tree. */
    private Vm.Ended vm(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("a tree/vm"));
        command.addAll(List.of(arguments));
        ProcessBuilder process = new ProcessBuilder(command).directory(folder.toFile());
        process.environment().put("JAVA_HOME", System.getProperty("java.home"));
        process.environment().merge("PATH", folder.resolve("bin").toString(), (path, first) -> first + ":" + path);
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        int status = process.redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start()
                .waitFor();
        return new Vm.Ended(status, Files.readString(out), Files.readString(err));
    }

    private void maven(String script) throws IOException {
        Path file = Files.createDirectories(folder.resolve("bin")).resolve("mvn");
        Files.writeString(file, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
