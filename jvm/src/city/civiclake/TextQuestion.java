package city.civiclake;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** A function of a text that says yes or no, of no text too. */
abstract class TextQuestion extends TextFunction<Boolean> {
  private static final long serialVersionUID = 1L;

  @Override
  public DataType resultType() {
    return DataTypes.BooleanType;
  }

  @Override
  public boolean isResultNullable() {
    return false;
  }
}
