package city.civiclake;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.actions.Metadata;
import org.apache.spark.sql.delta.constraints.Constraints$;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Appends files that the client wrote to a Delta table, in one commit and without a Spark job.
 *
 * <p>A handful of rows costs Spark a plan, a job and the statistics' own plan, ten times their
 * work. The commit itself is Delta's own: log store, conflicts, checkpoints and checksums.
 *
 * <p>It refuses (no row comes back, and nothing is committed) whatever a plain append of Spark's
 * might do more than add a file for: columns that the table lacks or has of another type, mapped,
 * generated or constrained ones, files that don't say their partition or hold its columns. Files whose
 * every row has a new one in its place may go in the same commit.
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
      ApplyChanges.text("columns", "of the files, as a DDL text"),
      ApplyChanges.text("actions", "Delta's add action of each file, a line of JSON"),
      ApplyChanges.number("rows", "how many the files hold"),
      ProcedureParameter.in("version", DataTypes.LongType)
          .comment("at which the files that go were looked at; -1: none goes")
          .defaultValue("-1")
          .build(),
      ProcedureParameter.in("replaced", DataTypes.StringType)
          .comment("Delta's remove action of each file that goes, a line of JSON")
          .defaultValue("''")
          .build(),
    };
  }

  @Override
  public Iterator<Scan> call(InternalRow given) {
    SparkSession spark = (SparkSession) SparkSession.active();
    DeltaLog log = DeltaLog.forTable(spark, given.getUTF8String(0).toString());
    OptimisticTransaction txn = log.startTransaction(Option.empty(), Option.empty());
    StructType columns = StructType.fromDDL(given.getUTF8String(1).toString());
    List<Action> actions = new ArrayList<>();
    given.getUTF8String(2).toString().lines().map(Action::fromJson).forEach(actions::add);
    if (txn.readVersion() < 0
        || !isPlain(spark, txn.metadata(), columns)
        || !actions.stream().allMatch(file -> isPlaced(txn.metadata(), (AddFile) file))) {
      return Collections.emptyIterator();
    }
    int added = actions.size();
    long looked = given.getLong(4);
    // What was read of an older version may have gone since: then nobody knows what is replaced.
    if (looked >= 0 && looked != txn.readVersion()) {
      return Collections.emptyIterator();
    }
    given.getUTF8String(5).toString().lines().map(Action::fromJson).forEach(actions::add);
    txn.registerSQLMetrics(spark, metrics(spark, added, given.getLong(3)));
    long version = txn.commit(CollectionConverters.asScala(actions).toSeq(), operation());
    return List.of(ApplyChanges.result(version)).iterator();
  }

  /** Whether a file says of which partition of the table it is. */
  private static boolean isPlaced(Metadata table, AddFile file) {
    var said = CollectionConverters.asJava(file.partitionValues()).keySet();
    return said.equals(Set.copyOf(CollectionConverters.asJava(table.partitionColumns())));
  }

  /** Whether files with these columns are all that an append of their rows would be. */
  private static boolean isPlain(SparkSession spark, Metadata table, StructType columns) {
    if (!table.columnMappingMode().equals(NoMapping$.MODULE$)
        || !Constraints$.MODULE$.getAll(table, spark).isEmpty()) {
      return false;
    }
    Set<String> placed = Set.copyOf(CollectionConverters.asJava(table.partitionColumns()));
    Set<String> named = Set.of(columns.fieldNames());
    if (!Collections.disjoint(placed, named)) {
      return false;
    }
    for (StructField field : table.schema().fields()) {
      boolean isGiven = named.contains(field.name()) || placed.contains(field.name());
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
      SparkSession spark, int added, long rows) {
    SQLMetric files = SQLMetrics.createMetric(spark.sparkContext(), "numFiles");
    SQLMetric written = SQLMetrics.createMetric(spark.sparkContext(), "numOutputRows");
    files.set(added);
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
