// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import penumbra.hw.PhysicalPage;

/** A page that remembers what it was told. */
final class TestPage implements PhysicalPage {
    private final int frame;
    boolean managed = true;
    boolean busy;
    boolean writeable;
    boolean modified;
    boolean referenced;
    boolean executable;
    int memattr;
    int holds;

    TestPage(int frame) {
        this.frame = frame;
    }

    @Override
    public int frame() {
        return frame;
    }

    @Override
    public boolean managed() {
        return managed;
    }

    @Override
    public int memattr() {
        return memattr;
    }

    @Override
    public void hold() {
        holds++;
    }

    @Override
    public boolean writeable() {
        return writeable;
    }

    @Override
    public void setWriteable(boolean now) {
        writeable = now;
    }

    @Override
    public void noteModified() {
        modified = true;
    }

    @Override
    public void noteReferenced() {
        referenced = true;
    }

    @Override
    public void noteExecutable() {
        executable = true;
    }

    @Override
    public boolean xbusied() {
        return busy;
    }
}
