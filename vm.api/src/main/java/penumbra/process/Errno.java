// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

/** What a system call says when it did not do what was asked, in FreeBSD's numbering ({@code errno.h}). */
public enum Errno {
    /** It did. */
    OK(0),
    EIO(5),
    ENOMEM(12),
    EACCES(13),
    EBUSY(16),
    EINVAL(22),
    EAGAIN(35);

    private final int number;

    Errno(int number) {
        this.number = number;
    }

    /** FreeBSD's number, 0 for {@link #OK}. */
    public int number() {
        return number;
    }

    /** Whether the call did what was asked. */
    public boolean ok() {
        return this == OK;
    }
}
