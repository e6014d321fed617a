// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes in bytes as people write them: {@code 512k}, {@code 16m}, {@code 1g}, or a plain number. */
final class SizeConverter implements ITypeConverter<Long> {
    private static final String UNITS = "kmg";
    private static final int UNIT_BITS = 10;

    /** A TiB: more than any host has, and far from overflow. */
    private static final long LARGEST = 1L << 40;

    @Override
    public Long convert(String text) {
        String digits = text.isEmpty() ? text : text.substring(0, text.length() - 1);
        int unit = text.isEmpty() ? -1 : UNITS.indexOf(Character.toLowerCase(text.charAt(text.length() - 1)));
        try {
            long number = Long.parseLong(unit < 0 ? text : digits);
            long factor = 1L << UNIT_BITS * (unit + 1);
            if (number > 0 && number <= LARGEST / factor) {
                return number * factor;
            }
        } catch (NumberFormatException e) {
            // Said below, with what was expected.
        }
        throw new TypeConversionException("\"" + text + "\" is no size: expected a number up to 1024g with k, m or g");
    }
}
