// SPDX-License-Identifier: BSD-2-Clause
package penumbra.account;

/**
 * In whose name swap space is reserved and calls are checked (FreeBSD's {@code ucred}).
 *
 * @param uid the user; 0 is privileged
 */
public record Cred(int uid) {
    /** The superuser. */
    public static final Cred ROOT = new Cred(0);

    /** Whether limits do not bind this user. */
    public boolean privileged() {
        return uid == 0;
    }
}
