// SPDX-License-Identifier: BSD-2-Clause
package penumbra.map;

/** How a mapping is said to be used; decides the read-ahead ({@code MAP_ENTRY_BEHAV_*}). */
public enum Behavior {
    NORMAL,
    SEQUENTIAL,
    RANDOM
}
