package city.civiclake;

import org.apache.spark.unsafe.types.UTF8String;

/**
 * Whether a text is a day and a time of ISO 8601, with no zone or with a {@code Z} or an offset.
 *
 * <p>That there is such a day, and such an offset, is for the cast to say.
 */
public final class IsMoment extends TextQuestion {
  private static final long serialVersionUID = 1L;
  private static final String SHAPE = "0000-00-00T00:00";

  public static boolean invoke(UTF8String text) {
    if (text == null || text.numBytes() < SHAPE.length()) {
      return false;
    }
    for (int place = 0; place < SHAPE.length(); place++) {
      if (!fits(text.getByte(place), SHAPE.charAt(place))) {
        return false;
      }
    }
    int at = afterSeconds(text, SHAPE.length());
    return at > 0 && (at == text.numBytes() || isZone(text, at));
  }

  private static boolean fits(byte sign, char wanted) {
    if (wanted == '0') {
      return isDigit(sign);
    }
    return sign == wanted || (wanted == 'T' && sign == ' ');
  }

  /** The place after seconds of one or two digits and their fraction; 0 where they are none. */
  private static int afterSeconds(UTF8String text, int place) {
    int end = text.numBytes();
    if (place == end || text.getByte(place) != ':') {
      return place;
    }
    int at = Math.min(afterDigits(text, place + 1), place + 3);
    if (at == place + 1) {
      return 0;
    }
    return at < end && text.getByte(at) == '.' ? afterDigits(text, at + 1) : at;
  }

  private static boolean isZone(UTF8String text, int place) {
    int end = text.numBytes();
    int at = text.getByte(place) == ' ' ? place + 1 : place;
    if (at == end) {
      return false;
    }
    if (text.getByte(at) == 'Z') {
      return at + 1 == end;
    }
    int offset = afterEither(text, at, '+', '-');
    if (offset == at || offset == end) {
      return false;
    }
    while (offset < end && (isDigit(text.getByte(offset)) || text.getByte(offset) == ':')) {
      offset++;
    }
    return offset == end;
  }

  @Override
  public String name() {
    return "is_moment";
  }
}
