// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceRegistration;
import penumbra.boot.Kernel;
import penumbra.hw.PageSize;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerStatus;
import penumbra.policy.PagePolicy;

/**
 * Everything that an operator can do to the replaceable parts of a machine, one random step at a time, and what must be
 * seen after each: what is there serves, and what is away is parked or has left nothing behind.
 */
final class OperatorSteps {
    private static final String SWAP = "penumbra.pager.swap";
    private static final String ZSWAP = "penumbra.pager.zswap";
    private static final String VNODES = "penumbra.vm.vnode";
    private static final String PAGERS = "penumbra.vm.pager";
    private static final String MEMORY = "penumbra.hw.memory";
    private static final String DDB = "penumbra.ddb";
    private static final String TMP = "penumbra.fs.tmp";
    private static final String SECOND = "second";
    private static final int SECOND_SLOTS = 3_000;
    private static final String FREEBSD = "freebsd10";

    /** What bundles provide whose absence programs may notice, and which name their pagers have. */
    private static final Map<String, String> PARTS = Map.of(
            SWAP,
            "",
            ZSWAP,
            "",
            "penumbra.pager.vnode",
            "vnode",
            "penumbra.pager.device",
            "device",
            "penumbra.fs.host",
            "");

    private static final Map<String, String> MMUS = Map.of("penumbra.hw.amd64", "amd64", "penumbra.hw.riscv", "riscv");

    /** So many steps may pass before what is away comes back. */
    private static final int LONGEST_ABSENCE = 4;

    private final Operator operator;
    private final BundleContext context;
    private final Kernel kernel;
    private final Outages outages;
    private final Path directory;
    private final SplittableRandom random;
    private final List<Step> steps;
    private final Set<String> stopped = new TreeSet<>();
    private final HeapStore heap = new HeapStore(2_000);
    private @Nullable ServiceRegistration<?> heapRegistration;
    private @Nullable ServiceRegistration<?> policyRegistration;
    private @Nullable Bundle hello;
    private boolean second;
    private boolean compressed = true;
    private String configuredPolicy = FREEBSD;
    private String policy = FREEBSD;
    private String mmu = "amd64";
    private int absentFor;

    /** A step; returns what was done, or null when it is not possible now. */
    @FunctionalInterface
    private interface Step {
        @Nullable
        String take() throws Exception;
    }

    OperatorSteps(
            Operator operator,
            BundleContext context,
            Kernel kernel,
            Outages outages,
            Path directory,
            SplittableRandom random) {
        this.operator = operator;
        this.context = context;
        this.kernel = kernel;
        this.outages = outages;
        this.directory = directory;
        this.random = random;
        steps = List.of(
                this::usePager,
                this::usePager,
                this::drain,
                this::stop,
                this::stop,
                this::startOne,
                () -> replace("update", operator::update),
                () -> replace("reinstall", operator::reinstall),
                () -> replace("refresh", name -> operator.refresh(List.of(operator.bundle(name)))),
                this::useMmu,
                this::higherRankedStore,
                this::usersBundle,
                this::secondFile,
                this::changedFile,
                this::compressedStore,
                this::limits,
                this::memorySizes,
                this::configurePolicy,
                this::usePolicy,
                this::usersPolicy);
    }

    /** Does something that is possible now; returns what. */
    String next() throws Exception {
        if (outages.any() && ++absentFor > LONGEST_ABSENCE) {
            everythingBack();
            return "everything back";
        }
        while (true) {
            @Nullable String done = steps.get(random.nextInt(steps.size())).take();
            if (done != null) {
                return done;
            }
        }
    }

    /** Brings everything back that is away. */
    void everythingBack() throws Exception {
        absentFor = 0;
        for (String name : List.copyOf(stopped)) {
            start(name);
        }
        if (!second) {
            secondFile();
        }
        if (!compressed) {
            compressedStore();
        }
        if (heapRegistration == null) {
            higherRankedStore();
        }
    }

    // Commands

    private @Nullable String usePager() {
        if (!operator.isActive(DDB)) {
            return null;
        }
        if (random.nextInt(4) == 0) {
            String type = random.nextBoolean() ? "vnode" : "device";
            if (stopped.contains("penumbra.pager." + type)) {
                return null;
            }
            assertThat(operator.command("vm:use-pager " + type + " " + type)).isEqualTo(type + ": " + type);
            return "use-pager " + type;
        }
        @Nullable BackingStore store = anyStore();
        if (store == null) {
            return null;
        }
        assertThat(operator.command("vm:use-pager swap " + store.name())).startsWith("swap: new pages go to ");
        return "use-pager " + store.name();
    }

    private @Nullable String drain() {
        @Nullable BackingStore store = anyStore();
        if (store == null || !operator.isActive(DDB) || kernel.swap().stores().size() < 2) {
            return null;
        }
        operator.command("vm:drain " + store.name());
        if (random.nextBoolean()) {
            operator.command("vm:drain " + store.name() + " cancel");
        }
        return "drain " + store.name();
    }

    private @Nullable BackingStore anyStore() {
        List<BackingStore> stores = kernel.swap().stores();
        return stores.isEmpty() ? null : stores.get(random.nextInt(stores.size()));
    }

    private @Nullable String useMmu() {
        List<String> names = kernel.pmaps().mmuNames();
        if (!operator.isActive(DDB)) {
            return null;
        }
        mmu = names.get(random.nextInt(names.size()));
        assertThat(operator.command("vm:use-mmu " + mmu)).endsWith("-> " + mmu);
        return "use-mmu " + mmu;
    }

    // Bundles

    private String anyBundle() {
        List<String> all = new ArrayList<>(PARTS.keySet());
        all.addAll(MMUS.keySet());
        all.add(DDB);
        all.add(TMP);
        all.sort(null);
        return all.get(random.nextInt(all.size()));
    }

    private @Nullable String stop() throws Exception {
        String name = anyBundle();
        if (stopped.contains(name)
                || (MMUS.containsKey(name) && MMUS.keySet().stream().anyMatch(stopped::contains))) {
            return null;
        }
        leave(name);
        operator.stop(name);
        stopped.add(name);
        return "stop " + name;
    }

    private @Nullable String startOne() throws Exception {
        if (stopped.isEmpty()) {
            return null;
        }
        String name = List.copyOf(stopped).get(random.nextInt(stopped.size()));
        start(name);
        return "start " + name;
    }

    private void start(String name) throws Exception {
        operator.start(name);
        stopped.remove(name);
        comeBack(name);
    }

    /** Something that takes a bundle away and brings it back at once, if it was there. */
    @FunctionalInterface
    private interface Replacement {
        void of(String name) throws Exception;
    }

    private @Nullable String replace(String how, Replacement replacement) throws Exception {
        String name = anyBundle();
        boolean away = stopped.contains(name);
        if (MMUS.containsKey(name) && MMUS.keySet().stream().anyMatch(stopped::contains)) {
            return null;
        }
        if (!away) {
            leave(name);
        }
        replacement.of(name);
        if (!away) {
            comeBack(name);
        }
        return how + " " + name;
    }

    private void leave(String name) {
        if (PARTS.containsKey(name)) {
            outages.begin();
        }
    }

    private void comeBack(String name) {
        if (PARTS.containsKey(name)) {
            await(name + " serves", this::allServe);
            outages.end();
        }
    }

    // Providers of users

    private @Nullable String higherRankedStore() {
        ServiceRegistration<?> registered = heapRegistration;
        if (registered == null) {
            Dictionary<String, Object> properties = new Hashtable<>(Map.of(Constants.SERVICE_RANKING, 200));
            heapRegistration = context.registerService(BackingStore.class, heap, properties);
            outages.end();
        } else {
            outages.begin();
            heapRegistration = null;
            registered.unregister();
        }
        return heapRegistration == null ? "heap goes" : "heap comes";
    }

    /** Its pages are in the Java heap, so it may only go when it has none. */
    private @Nullable String usersBundle() throws Exception {
        Bundle installed = hello;
        if (installed == null) {
            Bundle fresh = operator.install(Shipped.HELLO);
            fresh.start();
            hello = fresh;
            await("hello takes pages", () -> store("hello") != null);
            return hello == null ? "hello goes" : "hello comes";
        }
        BackingStore store = kernel.swap().stores().stream()
                .filter(each -> each.name().equals("hello"))
                .findFirst()
                .orElseThrow();
        if (!kernel.swap().swapOff(store).ok()) {
            return null;
        }
        installed.stop();
        installed.uninstall();
        operator.refresh(null);
        hello = null;
        return hello == null ? "hello goes" : "hello comes";
    }

    // Configurations

    /** A second swap file is added, or its configuration deleted: its pages wait until it is there again. */
    private @Nullable String secondFile() throws Exception {
        if (second) {
            outages.begin();
            second = false;
            operator.deleteConfiguration(SWAP + "~" + SECOND);
            await("the second swap file goes", () -> operator.services(BackingStore.class).stream()
                    .noneMatch(store -> store.name().equals(SECOND)));
        } else {
            operator.configure(SWAP, SECOND, fileOf(SECOND_SLOTS));
            second = true;
            if (!stopped.contains(SWAP)) {
                await("the second swap file comes", () -> isPresent(SECOND));
            }
            outages.end();
        }
        return second ? "second comes" : "second goes";
    }

    /** A file in use stays as large as it is, also when it comes back. */
    private @Nullable String changedFile() throws Exception {
        if (!second || stopped.contains(SWAP)) {
            return null;
        }
        operator.configure(SWAP, SECOND, fileOf(SECOND_SLOTS / 2));
        if (random.nextBoolean()) {
            leave(SWAP);
            operator.update(SWAP);
            comeBack(SWAP);
        }
        operator.configure(SWAP, SECOND, fileOf(SECOND_SLOTS));
        return "second is changed";
    }

    private Map<String, Object> fileOf(int slots) {
        return Map.of(
                "name", SECOND,
                "path", directory.resolve("second.swap").toString(),
                "size.bytes", PageSize.bytes(slots));
    }

    private @Nullable String compressedStore() throws Exception {
        if (compressed) {
            if (random.nextBoolean()) {
                operator.configure(ZSWAP, Map.of("slots.per.page", 2 + random.nextInt(4), "level", -random.nextInt(9)));
                return "zswap is changed";
            }
            outages.begin();
            compressed = false;
            operator.deleteConfiguration(ZSWAP);
            await("the compressed store goes", () -> operator.services(BackingStore.class).stream()
                    .noneMatch(store -> store.name().equals("zswap")));
        } else {
            operator.configure(ZSWAP, Map.of());
            compressed = true;
            if (!stopped.contains(ZSWAP)) {
                await("the compressed store comes", () -> isPresent("zswap"));
            }
            outages.end();
        }
        return compressed ? "zswap comes" : "zswap goes";
    }

    private @Nullable String limits() throws Exception {
        operator.configure(
                PAGERS,
                Map.of(
                        "drain.millis", oneOf(0, 5, 50),
                        "absent.millis", oneOf(0, 5, 50),
                        "swap.async.max", oneOf(1, 4, 16)));
        operator.configure(
                VNODES, Map.of("return.wait.ms", (long) oneOf(0, 5, 50), "unused.vnodes", oneOf(0, 1, 2, 256)));
        return "limits";
    }

    /** Of memory that the machine has, at once nothing changes: what is configured is the next machine's. */
    private @Nullable String memorySizes() throws Exception {
        operator.configure(
                MEMORY,
                Map.of(
                        "compressed.bytes", PageSize.bytes(oneOf(0, 1, 150, 300, 600)),
                        "general.bytes", PageSize.bytes(oneOf(240, 480, 960))));
        return "memory is changed";
    }

    private int oneOf(int... values) {
        return values[random.nextInt(values.length)];
    }

    private @Nullable String configurePolicy() throws Exception {
        configuredPolicy = configuredPolicy.equals(FifoPolicy.NAME) ? FREEBSD : FifoPolicy.NAME;
        policy = configuredPolicy;
        operator.configure("penumbra.vm.pageout", Map.of("policy", policy));
        operator.awaitConfigured();
        return "policy " + policy;
    }

    private @Nullable String usePolicy() {
        String wanted = random.nextBoolean() ? FREEBSD : FifoPolicy.NAME;
        if (!operator.isActive(DDB) || (policyRegistration == null && !wanted.equals(FREEBSD))) {
            return null;
        }
        policy = wanted;
        assertThat(operator.command("vm:policy " + wanted)).endsWith(" -> " + wanted);
        return "use policy " + wanted;
    }

    /** Whether the policy that was asked for last serves; while it is away, FreeBSD's, for lack of a third. */
    private boolean policyServes() {
        return kernel.pageout().policy().equals(policyRegistration == null ? FREEBSD : policy);
    }

    private @Nullable String usersPolicy() {
        ServiceRegistration<?> registered = policyRegistration;
        if (registered == null) {
            policyRegistration = context.registerService(PagePolicy.class, new FifoPolicy(), null);
        } else {
            policyRegistration = null;
            registered.unregister();
        }
        return policyRegistration == null ? "fifo goes" : "fifo comes";
    }

    // What must be seen

    /** Fails unless what is there serves and what is away is not asked any more. */
    void check() {
        await("what is there serves", this::allServe);
        List<PagerStatus> lines = kernel.pagers().status();
        for (String part : stopped) {
            String pager = PARTS.getOrDefault(part, "");
            if (!pager.isEmpty()) {
                assertThat(lines).noneMatch(line -> line.name().equals(pager));
            }
        }
        // A configuration's component goes in its own time.
        await("what is away is parked", () -> kernel.pagers().status().stream()
                .filter(line -> line.type().equals("swap") && !expectedStores().contains(line.name()))
                .allMatch(line -> line.state().equals("parked") && line.pages() > 0));
        assertThat(kernel.pmaps().mmuNames())
                .containsExactlyInAnyOrderElementsOf(MMUS.entrySet().stream()
                        .filter(each -> !stopped.contains(each.getKey()))
                        .map(Map.Entry::getValue)
                        .toList());
        if (kernel.pmaps().mmuNames().contains(mmu)) {
            assertThat(kernel.pmaps().mmuName()).isEqualTo(mmu);
        }
        assertThat(policyServes()).as("policy %s serves", policy).isTrue();
        if (operator.isActive(DDB)) {
            assertThat(operator.command("vm:pagers")).contains("STATE");
        }
        assertThat(kernel.machine().panic()).isNull();
    }

    private Set<String> expectedStores() {
        Set<String> expected = new TreeSet<>();
        if (!stopped.contains(SWAP)) {
            expected.add("file");
            if (second) {
                expected.add(SECOND);
            }
        }
        if (compressed && !stopped.contains(ZSWAP)) {
            expected.add("zswap");
        }
        if (heapRegistration != null) {
            expected.add("heap");
        }
        if (hello != null) {
            expected.add("hello");
        }
        return expected;
    }

    /** Whether every part that should be there can be seen to serve. */
    private boolean allServe() {
        return expectedStores().stream().allMatch(this::isPresent)
                && PARTS.entrySet().stream()
                        .filter(part -> !part.getValue().isEmpty() && !stopped.contains(part.getKey()))
                        .allMatch(part -> kernel.pagers().status().stream()
                                .anyMatch(line -> line.name().equals(part.getValue())
                                        && line.state().equals("active")));
    }

    private boolean isPresent(String name) {
        @Nullable PagerStatus line = store(name);
        return line != null && !line.state().equals("parked");
    }

    private @Nullable PagerStatus store(String name) {
        return kernel.pagers().status().stream()
                .filter(line -> line.type().equals("swap") && line.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    private void await(String what, BooleanSupplier condition) {
        Operator.await(() -> {
            if (kernel.machine().panic() != null) {
                throw new AssertionError(
                        "while waiting that " + what + ": " + kernel.machine().panic() + "\n"
                                + kernel.pagers().status().stream()
                                        .map(Object::toString)
                                        .collect(Collectors.joining("\n")));
            }
            return condition.getAsBoolean();
        });
    }
}
