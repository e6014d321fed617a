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
 * @param state {@code active}, {@code candidate}, {@code draining} or {@code parked}
 */
public record PagerStatus(
        String type, String name, int ranking, long objects, long pages, int inFlight, String state) {}
