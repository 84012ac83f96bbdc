package city.civiclake;

import java.nio.ByteBuffer;
import java.util.List;
import org.apache.hive.service.rpc.thrift.TColumn;
import org.apache.hive.service.rpc.thrift.TColumnValue;
import org.apache.hive.service.rpc.thrift.TRow;
import org.apache.hive.service.rpc.thrift.TRowSet;

/** How much a part of a result holds, in either of the protocol's two forms. */
final class RowSets {
  private static final long NUMBER = 8;

  private RowSets() {}

  static long rows(TRowSet set) {
    if (set.getColumnsSize() > 0) {
      return size(set.getColumns().get(0));
    }
    return set.getRowsSize();
  }

  static long bytes(TRowSet set) {
    long found = 0;
    if (set.getColumnsSize() > 0) {
      for (TColumn column : set.getColumns()) {
        found += bytes(column);
      }
    } else if (set.getRowsSize() > 0) {
      for (TRow row : set.getRows()) {
        for (TColumnValue value : row.getColVals()) {
          String text = value.isSetStringVal() ? value.getStringVal().getValue() : null;
          found += text == null ? NUMBER : text.length();
        }
      }
    }
    return found;
  }

  private static long bytes(TColumn column) {
    long found = NUMBER * size(column);
    if (column.isSetStringVal()) {
      for (String text : column.getStringVal().getValues()) {
        found += text == null ? 0 : text.length();
      }
    } else if (column.isSetBinaryVal()) {
      for (ByteBuffer value : column.getBinaryVal().getValues()) {
        found += value.remaining();
      }
    }
    return found;
  }

  private static long size(TColumn column) {
    List<?> values =
        switch (column.getSetField()) {
          case BOOL_VAL -> column.getBoolVal().getValues();
          case BYTE_VAL -> column.getByteVal().getValues();
          case I16_VAL -> column.getI16Val().getValues();
          case I32_VAL -> column.getI32Val().getValues();
          case I64_VAL -> column.getI64Val().getValues();
          case DOUBLE_VAL -> column.getDoubleVal().getValues();
          case STRING_VAL -> column.getStringVal().getValues();
          case BINARY_VAL -> column.getBinaryVal().getValues();
        };
    return values.size();
  }
}
