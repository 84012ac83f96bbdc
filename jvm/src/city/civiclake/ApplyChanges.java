package city.civiclake;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.procedures.ProcedureParameter;
import org.apache.spark.sql.connector.catalog.procedures.SimpleProcedure;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.DeltaOperations;
import org.apache.spark.sql.delta.OptimisticTransaction;
import org.apache.spark.sql.delta.actions.Action;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.actions.FileAction;
import org.apache.spark.sql.delta.commands.DMLWithDeletionVectorsHelper$;
import org.apache.spark.sql.delta.commands.DeletionVectorBitmapGenerator;
import org.apache.spark.sql.delta.commands.TouchedFileWithDV;
import org.apache.spark.sql.delta.stats.StatsCollectionUtils;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Writes decided changes of a Delta table in one commit, without looking at the table again.
 *
 * <p>MERGE finds out by itself which rows it touches: it joins the whole table with its source, up
 * to three times. Here it is known already in which file and at which place every touched row
 * stands, so only new rows and the bitmaps of the removed ones are written: the cost follows the
 * changes, however large the table is. Files, bitmaps and the commit itself are Delta's own.
 *
 * <p>It refuses to commit unless exactly the announced numbers of rows were written and removed, and
 * commits nothing when Delta knows a younger writer (the session's {@code write.txnAppId}).
 */
final class ApplyChanges implements SimpleProcedure {
  static final String EDIT = "_edit";
  static final String FILE = "_served_file";
  static final String PLACE = "_served_place";
  private static final DMLWithDeletionVectorsHelper$ DELTA = DMLWithDeletionVectorsHelper$.MODULE$;
  private static final StructType RESULT = new StructType().add("version", DataTypes.LongType);

  @Override
  public String name() {
    return "apply_changes";
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }

  @Override
  public ProcedureParameter[] parameters() {
    return new ProcedureParameter[] {
      text("location", "of the Delta table"),
      text("changes", "view of the table's columns, _edit, and the touched row's place"),
      number("inserted", "how many rows are new"),
      number("updated", "how many served rows are replaced"),
      number("deleted", "how many served rows go"),
    };
  }

  static ProcedureParameter text(String name, String comment) {
    return ProcedureParameter.in(name, DataTypes.StringType).comment(comment).build();
  }

  static ProcedureParameter number(String name, String comment) {
    return ProcedureParameter.in(name, DataTypes.LongType).comment(comment).build();
  }

  @Override
  public Iterator<Scan> call(InternalRow given) {
    SparkSession spark = (SparkSession) SparkSession.active();
    DeltaLog log = DeltaLog.forTable(spark, given.getUTF8String(0).toString());
    OptimisticTransaction txn = log.startTransaction(Option.empty(), Option.empty());
    if (DELTA.hasBeenExecuted(txn, spark, Option.empty())) {
      return Collections.emptyIterator();
    }
    Dataset<Row> changes = spark.table(given.getUTF8String(1).toString());
    long inserted = given.getLong(2);
    long updated = given.getLong(3);
    long deleted = given.getLong(4);
    List<Action> actions = new ArrayList<>();
    DELTA.createSetTransaction(spark, log, Option.empty()).foreach(actions::add);
    if (updated + deleted > 0) {
      long removed =
          updated + deleted <= Removals.MOST
              ? removeFew(spark, txn, changes, actions)
              : remove(spark, txn, changes, actions);
      expect("removed", updated + deleted, removed);
    }
    if (inserted + updated > 0) {
      expect("written", inserted + updated, write(txn, changes, actions));
    }
    txn.registerSQLMetrics(spark, metrics(spark, inserted, updated, deleted));
    long version = txn.commit(seq(actions), operation());
    return List.of(result(version)).iterator();
  }

  /** The same for few rows, on the driver. */
  private static long removeFew(
      SparkSession spark, OptimisticTransaction txn, Dataset<Row> changes, List<Action> actions) {
    Removals few = new Removals(txn);
    return few.isPossible()
        ? few.add(touched(changes).collectAsList(), actions)
        : remove(spark, txn, changes, actions);
  }

  /** File and place of the rows that are updated or deleted. */
  private static Dataset<Row> touched(Dataset<Row> changes) {
    return changes.where(functions.col(FILE).isNotNull()
        .and(functions.col(EDIT).isin("update", "delete"))).select(FILE, PLACE);
  }

  /** Bitmaps of the rows that are updated or deleted; how many those are. */
  private static long remove(
      SparkSession spark, OptimisticTransaction txn, Dataset<Row> changes, List<Action> actions) {
    Dataset<Row> touched = touched(changes);
    Seq<AddFile> candidates = txn.filterFiles();
    Option<Column> file = Option.apply(functions.col(FILE));
    Option<Column> place = Option.apply(functions.col(PLACE));
    var found =
        DeletionVectorBitmapGenerator.buildRowIndexSetsForFilesMatchingCondition(
            spark, txn, true, touched, candidates, Literal.TrueLiteral(), file, place);
    var byName = DELTA.generateCandidateFileMap(txn.deltaLog().dataPath(), candidates);
    Seq<TouchedFileWithDV> files = DELTA.findFilesWithMatchingRows(txn, byName, found);
    long rows = 0;
    for (TouchedFileWithDV one : CollectionConverters.asJava(files)) {
      rows += one.numberOfModifiedRows();
    }
    int prefix =
        StatsCollectionUtils.getDataSkippingStringPrefixLength(spark, txn.metadata());
    var made = DELTA.processUnmodifiedData(spark, files, txn.snapshot(), prefix);
    CollectionConverters.asJava(made._1()).forEach(actions::add);
    return rows;
  }

  /** Files of the rows that are new or changed; how many those are. */
  private static long write(OptimisticTransaction txn, Dataset<Row> changes, List<Action> actions) {
    Set<String> given = Set.of(changes.columns());
    Column[] columns =
        Arrays.stream(txn.snapshot().schema().fields())
            .map(field -> given.contains(field.name()) ? named(field.name()) : empty(field))
            .toArray(Column[]::new);
    Dataset<Row> rows = changes.where(functions.col(EDIT).isin("insert", "update")).select(columns);
    long written = 0;
    for (FileAction made : CollectionConverters.asJava(txn.writeFiles(rows))) {
      actions.add(made);
      if (made instanceof AddFile) {
        written += (Long) ((AddFile) made).numLogicalRecords().get();
      }
    }
    return written;
  }

  private static Column named(String name) {
    return functions.col("`" + name + "`");
  }

  /** A column that the table has of a former contract, and the changes know nothing of. */
  private static Column empty(StructField field) {
    return functions.lit(null).cast(field.dataType()).as(field.name());
  }

  private static void expect(String what, long wanted, long found) {
    if (wanted != found) {
      throw new IllegalStateException(
          "CIVICLAKE_COUNTS: " + wanted + " rows were to be " + what + ", but it would be " + found
              + "; nothing was committed");
    }
  }

  /** What DESCRIBE HISTORY tells of the commit. */
  private static scala.collection.immutable.Map<String, SQLMetric> metrics(
      SparkSession spark, long inserted, long updated, long deleted) {
    Map<String, Long> told =
        Map.of(
            "operationNumSourceRows", inserted + updated + deleted,
            "numTargetRowsInserted", inserted,
            "numTargetRowsUpdated", updated,
            "numTargetRowsDeleted", deleted,
            "numTargetRowsCopied", 0L);
    Map<String, SQLMetric> made = new HashMap<>();
    told.forEach(
        (name, value) -> {
          SQLMetric metric = SQLMetrics.createMetric(spark.sparkContext(), name);
          metric.set(value);
          made.put(name, metric);
        });
    return scala.collection.immutable.Map.from(CollectionConverters.asScala(made));
  }

  private static DeltaOperations.Operation operation() {
    Seq<DeltaOperations.MergePredicate> none = seq(List.of());
    return new DeltaOperations.Merge(
        Option.empty(), Option.empty(), Option.empty(), Option.empty(), none, none, none);
  }

  private static <T> Seq<T> seq(List<T> list) {
    return CollectionConverters.asScala(list).toSeq();
  }

  /** The version that was committed. */
  static Scan result(long version) {
    return new LocalScan() {
      @Override
      public InternalRow[] rows() {
        return new InternalRow[] {new GenericInternalRow(new Object[] {version})};
      }

      @Override
      public StructType readSchema() {
        return RESULT;
      }
    };
  }
}
