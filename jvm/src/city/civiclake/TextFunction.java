package city.civiclake;

import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A function of a text that the jobs call for every value of a column.
 *
 * <p>Each has a static method {@code invoke}, which Spark's compiled code calls as it is: what it
 * asks of a text's bytes costs a fraction of a regular expression, for which Spark makes a String of
 * every value first.
 */
abstract class TextFunction<R> implements UnboundFunction, ScalarFunction<R> {
  private static final long serialVersionUID = 1L;

  @Override
  public BoundFunction bind(StructType given) {
    DataType[] wanted = inputTypes();
    if (given.size() != wanted.length) {
      throw new UnsupportedOperationException(name() + " takes " + wanted.length + " values");
    }
    return this;
  }

  @Override
  public String description() {
    return name() + ": " + getClass().getSimpleName();
  }

  @Override
  public String canonicalName() {
    return "civiclake." + name();
  }

  @Override
  public DataType[] inputTypes() {
    return new DataType[] {DataTypes.StringType};
  }

  static boolean isDigit(byte sign) {
    return sign >= '0' && sign <= '9';
  }

  /** The place after the digits that begin at a place. */
  static int afterDigits(UTF8String text, int place) {
    int end = text.numBytes();
    int at = place;
    while (at < end && isDigit(text.getByte(at))) {
      at++;
    }
    return at;
  }

  /** The place after a sign of one of two kinds, if there is one. */
  static int afterEither(UTF8String text, int place, char one, char other) {
    if (place == text.numBytes()) {
      return place;
    }
    byte sign = text.getByte(place);
    return sign == one || sign == other ? place + 1 : place;
  }
}
