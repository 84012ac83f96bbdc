package city.civiclake;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.procedures.ProcedureParameter;
import org.apache.spark.sql.connector.catalog.procedures.SimpleProcedure;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.DeltaOperations;
import org.apache.spark.sql.delta.NoMapping$;
import org.apache.spark.sql.delta.OptimisticTransaction;
import org.apache.spark.sql.delta.actions.Action;
import org.apache.spark.sql.delta.actions.Metadata;
import org.apache.spark.sql.delta.constraints.Constraints$;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Appends a file that the client wrote to a Delta table, in one commit and without a Spark job.
 *
 * <p>A handful of rows costs Spark a plan, a job and the statistics' own plan, ten times their
 * work. The commit itself is Delta's own: log store, conflicts, checkpoints and checksums.
 *
 * <p>It refuses (no row comes back, and nothing is committed) whatever a plain append of Spark's
 * might do more than add a file for: columns that the table lacks or has of another type, mapped,
 * generated or constrained ones, partitions.
 */
final class AppendFile implements SimpleProcedure {
  @Override
  public String name() {
    return "append_file";
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }

  @Override
  public ProcedureParameter[] parameters() {
    return new ProcedureParameter[] {
      ApplyChanges.text("location", "of the Delta table"),
      ApplyChanges.text("columns", "of the file, as a DDL text"),
      ApplyChanges.text("action", "Delta's add action of the file, as JSON"),
      ApplyChanges.number("rows", "how many the file holds"),
    };
  }

  @Override
  public Iterator<Scan> call(InternalRow given) {
    SparkSession spark = (SparkSession) SparkSession.active();
    DeltaLog log = DeltaLog.forTable(spark, given.getUTF8String(0).toString());
    OptimisticTransaction txn = log.startTransaction(Option.empty(), Option.empty());
    StructType columns = StructType.fromDDL(given.getUTF8String(1).toString());
    if (txn.readVersion() < 0 || !isPlain(spark, txn.metadata(), columns)) {
      return Collections.emptyIterator();
    }
    Action file = Action.fromJson(given.getUTF8String(2).toString());
    txn.registerSQLMetrics(spark, metrics(spark, given.getLong(3)));
    List<Action> actions = new ArrayList<>(List.of(file));
    long version = txn.commit(CollectionConverters.asScala(actions).toSeq(), operation());
    return List.of(ApplyChanges.result(version)).iterator();
  }

  /** Whether a file with these columns is all that an append of its rows would be. */
  private static boolean isPlain(SparkSession spark, Metadata table, StructType columns) {
    if (!table.columnMappingMode().equals(NoMapping$.MODULE$)
        || !table.partitionColumns().isEmpty()
        || !Constraints$.MODULE$.getAll(table, spark).isEmpty()) {
      return false;
    }
    for (StructField field : table.schema().fields()) {
      boolean isGiven = Arrays.asList(columns.fieldNames()).contains(field.name());
      boolean isSpecial = field.metadata().contains("delta.generationExpression")
          || field.metadata().contains("delta.identity.start")
          || field.metadata().contains("CURRENT_DEFAULT");
      if (isSpecial || !(isGiven || field.nullable())) {
        return false;
      }
    }
    for (StructField field : columns.fields()) {
      if (!isIn(table.schema(), field)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isIn(StructType table, StructField field) {
    for (StructField other : table.fields()) {
      if (other.name().equals(field.name())) {
        return Objects.equals(other.dataType(), field.dataType());
      }
    }
    return false;
  }

  /** What DESCRIBE HISTORY tells of the commit. */
  private static scala.collection.immutable.Map<String, SQLMetric> metrics(
      SparkSession spark, long rows) {
    SQLMetric files = SQLMetrics.createMetric(spark.sparkContext(), "numFiles");
    SQLMetric written = SQLMetrics.createMetric(spark.sparkContext(), "numOutputRows");
    files.set(1);
    written.set(rows);
    return scala.collection.immutable.Map.from(
        CollectionConverters.asScala(Map.of("numFiles", files, "numOutputRows", written)));
  }

  private static DeltaOperations.Operation operation() {
    return new DeltaOperations.Write(
        SaveMode.Append, Option.empty(), Option.empty(), Option.empty(), Option.empty(),
        Option.empty(), Option.empty(), Option.empty(), Option.empty());
  }
}
