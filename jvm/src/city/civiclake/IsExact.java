package city.civiclake;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;

/** Whether a text is written as a decimal with no digit but zeros beyond so many decimals. */
public final class IsExact extends TextQuestion {
  private static final long serialVersionUID = 1L;

  public static boolean invoke(UTF8String text, int scale) {
    if (text == null) {
      return false;
    }
    int end = text.numBytes();
    int at = afterDigits(text, afterEither(text, 0, '+', '-'));
    if (at < end && text.getByte(at) == '.') {
      at = Math.min(afterDigits(text, at + 1), at + 1 + scale);
      while (at < end && text.getByte(at) == '0') {
        at++;
      }
    }
    return at == end;
  }

  @Override
  public String name() {
    return "is_exact";
  }

  @Override
  public DataType[] inputTypes() {
    return new DataType[] {DataTypes.StringType, DataTypes.IntegerType};
  }
}
