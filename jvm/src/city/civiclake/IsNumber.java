package city.civiclake;

import org.apache.spark.unsafe.types.UTF8String;

/** Whether a text is a number as programs write it: {@code -1.5}, {@code .5}, {@code 2e-3}. */
public final class IsNumber extends TextQuestion {
  private static final long serialVersionUID = 1L;

  public static boolean invoke(UTF8String text) {
    if (text == null) {
      return false;
    }
    int end = text.numBytes();
    int begin = afterEither(text, 0, '+', '-');
    int whole = afterDigits(text, begin);
    int at = whole;
    if (at < end && text.getByte(at) == '.') {
      at = afterDigits(text, at + 1);
    }
    // A point needs a digit on one of its sides.
    if (at - begin == (at == whole ? 0 : 1)) {
      return false;
    }
    if (at < end && (text.getByte(at) | 0x20) == 'e') {
      int power = afterEither(text, at + 1, '+', '-');
      at = afterDigits(text, power);
      if (at == power) {
        return false;
      }
    }
    return at == end;
  }

  @Override
  public String name() {
    return "is_number";
  }
}
