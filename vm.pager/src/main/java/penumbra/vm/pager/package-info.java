// SPDX-License-Identifier: BSD-2-Clause

/**
 * The one stable face of all pagers, and where every swapped page is.
 *
 * <p>Goal: pagers and stores come and go, and nobody above can tell. Roles: {@link penumbra.vm.pager.PagerLayer} wires
 * everything; the pager table dispatches by object type, to its own default, dead and swap pagers or through a guard to
 * foreign ones; each swap object has a location map, whose entries are the only record of what a store's slots hold;
 * the store table shares out space and keeps providers from leaving while they are needed; transfers carry contents and
 * verify them. Locks: object, then location map, then leaves; no provider is called under a leaf.
 */
@NullMarked
package penumbra.vm.pager;

import org.jspecify.annotations.NullMarked;
