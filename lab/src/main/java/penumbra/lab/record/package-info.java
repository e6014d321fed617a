// SPDX-License-Identifier: BSD-2-Clause
/** Making recordings: running a command under Valgrind, and writing compact recordings. */
package penumbra.lab.record;
