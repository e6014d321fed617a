// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

/**
 * One line of {@code vm:pagers}.
 *
 * @param type the object type it serves, in lower case; {@code "swap"} for stores
 * @param name its name
 * @param ranking its service ranking
 * @param objects objects that use it
 * @param pages pages that it holds
 * @param inFlight transfers under way
 * @param state {@code active}; {@code candidate}, which takes over when the active one has left or has no room;
 *     {@code draining}; {@code closing}, which takes nothing; or {@code parked}
 * @param moved pages that the last drain has moved elsewhere so far
 */
public record PagerStatus(
        String type, String name, int ranking, long objects, long pages, int inFlight, String state, long moved) {}
