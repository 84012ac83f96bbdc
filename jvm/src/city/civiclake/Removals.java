package city.civiclake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.OptimisticTransaction;
import org.apache.spark.sql.delta.actions.Action;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.actions.DeletionVectorDescriptor;
import org.apache.spark.sql.delta.actions.DeletionVectorDescriptor$;
import org.apache.spark.sql.delta.commands.DMLWithDeletionVectorsHelper$;
import org.apache.spark.sql.delta.deletionvectors.RoaringBitmapArray;
import org.apache.spark.sql.delta.deletionvectors.RoaringBitmapArrayFormat$;
import org.apache.spark.sql.delta.storage.dv.DeletionVectorStore;
import org.apache.spark.sql.delta.storage.dv.DeletionVectorStore$;
import org.apache.spark.sql.delta.storage.dv.DeletionVectorStoreUtils.DVRangeDescriptor;
import org.apache.spark.sql.delta.storage.dv.DeletionVectorStoreUtils.Writer;
import org.apache.spark.sql.delta.util.PathWithFileSystem;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Marks a handful of rows as removed without a Spark job for each part of it.
 *
 * <p>Delta gathers the rows of each file by an aggregate, writes their bitmaps in its tasks, and joins
 * the files with their statistics twice: six jobs, whose planning costs ten rows a hundred times
 * their work. Here the driver does the same with Delta's own bitmaps, store and actions.
 */
final class Removals {
  /** So many rows are a list on the driver. */
  static final long MOST = 20_000;

  private static final DMLWithDeletionVectorsHelper$ DELTA = DMLWithDeletionVectorsHelper$.MODULE$;

  private final DeltaLog log;
  private final Configuration conf;
  private final DeletionVectorStore store;
  private final List<AddFile> files;

  /**
   * @param txn the transaction in which they go.
   */
  Removals(OptimisticTransaction txn) {
    log = txn.deltaLog();
    conf = log.newDeltaHadoopConf();
    store = DeletionVectorStore$.MODULE$.createInstance(conf);
    txn.readWholeTable(); // whoever changes any of its files meanwhile is in conflict
    files = txn.snapshot().allFiles().collectAsList();
  }

  /** Whether every file says how many rows it holds, as it must with a bitmap, and has that apart. */
  boolean isPossible() {
    return files.stream().allMatch(
        file -> file.numPhysicalRecords().isDefined()
            && (file.deletionVector() == null || !file.deletionVector().isInline()));
  }

  /**
   * Adds what marks the rows as removed; gives back how many were there and are not any more.
   *
   * @param rows file and place of each.
   * @param actions of the commit.
   */
  long add(List<Row> rows, List<Action> actions) {
    Map<String, List<Long>> places = new HashMap<>();
    for (Row row : rows) {
      places.computeIfAbsent(row.getString(0), name -> new ArrayList<>()).add(row.getLong(1));
    }
    var byName =
        DELTA.generateCandidateFileMap(log.dataPath(), CollectionConverters.asScala(files).toSeq());
    long removed = 0;
    UUID id = UUID.randomUUID();
    PathWithFileSystem table = PathWithFileSystem.withConf(log.dataPath(), conf).makeQualified();
    try (Writer writer = store.createWriter(store.generateFileNameInTable(table, id, ""))) {
      for (Map.Entry<String, List<Long>> one : places.entrySet()) {
        AddFile file = DELTA.getTouchedFile(log.dataPath(), one.getKey(), byName);
        RoaringBitmapArray gone = removedFrom(file);
        long before = gone.cardinality();
        one.getValue().forEach(gone::add);
        removed += gone.cardinality() - before;
        if (gone.cardinality() == (Long) file.numPhysicalRecords().get()) {
          actions.add(file.removeWithTimestamp(System.currentTimeMillis(), true));
          continue;
        }
        var changed = file.removeRows(written(writer, id, gone), true, true);
        actions.add(changed._1());
        actions.add(changed._2());
      }
    }
    return removed;
  }

  private RoaringBitmapArray removedFrom(AddFile file) {
    if (file.deletionVector() == null) {
      return new RoaringBitmapArray();
    }
    Path table = log.dataPath();
    return store.read(file.deletionVector(), table);
  }

  private static DeletionVectorDescriptor written(Writer writer, UUID id, RoaringBitmapArray gone) {
    gone.runOptimize();
    DVRangeDescriptor range =
        writer.write(gone.serializeAsByteArray(RoaringBitmapArrayFormat$.MODULE$.Portable()));
    return DeletionVectorDescriptor$.MODULE$.onDiskWithRelativePath(
        id, "", range.length(), gone.cardinality(), Option.apply(range.offset()), Option.empty());
  }
}
