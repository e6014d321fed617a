// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import penumbra.page.Pages;

/**
 * What the moving of pages from store to store works with.
 *
 * @param maps where pages are
 * @param space where they can go
 * @param transfers how they get there
 * @param pages memory
 * @param figures what is counted
 */
record MovingParts(SwapMaps maps, StoreSpace space, SwapTransfers transfers, Pages pages, SwapFigures figures) {}
