package city.civiclake;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A text without blanks around it; null where nothing is left.
 *
 * <p>Blanks are those of {@code civiclake.contracts.notation}: Unicode's White_Space, the zero-width
 * space and the byte order mark. Of most texts the first and the last byte tell that it has none.
 */
public final class PlainText extends TextFunction<UTF8String> {
  private static final long serialVersionUID = 1L;

  public static UTF8String invoke(UTF8String text) {
    if (text == null) {
      return null;
    }
    int end = text.numBytes();
    int start = 0;
    if (end > 0 && isBare(text.getByte(0)) && isBare(text.getByte(end - 1))) {
      return text;
    }
    int blank;
    while (start < end && (blank = blankAt(text, start, end)) > 0) {
      start += blank;
    }
    while (end > start && (blank = blankBefore(text, start, end)) > 0) {
      end -= blank;
    }
    if (start == 0 && end == text.numBytes()) {
      return end == 0 ? null : text;
    }
    return start == end ? null : UTF8String.fromBytes(text.getBytes(), start, end - start);
  }

  /** Whether a byte is a visible sign of ASCII, which by itself is a whole character. */
  private static boolean isBare(byte sign) {
    return sign > ' ' && sign < 0x7F;
  }

  /** How many bytes the blank has that begins here; 0 where none does. */
  private static int blankAt(UTF8String text, int at, int end) {
    int first = text.getByte(at) & 0xFF;
    if (first < 0x80) {
      return first == ' ' || (first >= '\t' && first <= '\r') ? 1 : 0;
    }
    int second = at + 1 < end ? text.getByte(at + 1) & 0xFF : 0;
    if (first == 0xC2) {
      return second == 0x85 || second == 0xA0 ? 2 : 0;
    }
    int third = at + 2 < end ? text.getByte(at + 2) & 0xFF : 0;
    return isBlank(first << 16 | second << 8 | third) ? 3 : 0;
  }

  private static int blankBefore(UTF8String text, int start, int end) {
    for (int length = 1; length <= 3 && end - length >= start; length++) {
      if (blankAt(text, end - length, end) == length) {
        return length;
      }
    }
    return 0;
  }

  /** Whether three bytes, which are those of one character, are a blank. */
  private static boolean isBlank(int bytes) {
    return (bytes >= 0xE28080 && bytes <= 0xE2808B) // U+2000 to U+200B
        || bytes == 0xE280A8 || bytes == 0xE280A9 // U+2028, U+2029
        || bytes == 0xE280AF || bytes == 0xE2819F // U+202F, U+205F
        || bytes == 0xE19A80 || bytes == 0xE38080 // U+1680, U+3000
        || bytes == 0xEFBBBF; // U+FEFF
  }

  @Override
  public String name() {
    return "plain_text";
  }

  @Override
  public DataType resultType() {
    return DataTypes.StringType;
  }
}
