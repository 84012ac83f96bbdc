package city.civiclake;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.TreeSet;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * The catalogue of the analysts' server: in memory, and made from the folders of the open layers.
 *
 * <p>So there is nothing to corrupt and nothing to carry over a restart. What a table holds is read
 * from its Delta log at every query. Scala throws checked exceptions undeclared, so all are caught:
 * one table that is broken must not close the door to the others.
 */
final class TableNames {
  private static final Logger LOG = LogManager.getLogger(TableNames.class);

  private static final long STORE_POLL_MS = 60_000;

  /** Longer than a file system's clock stands still, or a commit and its checksum take. */
  private static final long TICK_MS = 500;

  private static final int MOST_COMPLAINTS = 1000;

  private static volatile TableNames current;

  private final SparkSession spark;
  private final Set<String> shown = new ConcurrentSkipListSet<>();
  private final Set<String> complaints = new ConcurrentSkipListSet<>();
  private final Map<String, Long> described = new HashMap<>();

  private TableNames(SparkSession spark) {
    this.spark = spark;
  }

  /** Make the schemas, and a name for every table that is there. */
  static void start(SparkSession spark) {
    TableNames made = new TableNames(spark);
    Guard.trusted(made::makeSchemas);
    Guard.trusted(made::follow);
    current = made;
  }

  /** Show what has come since, so that the next statement finds it. */
  static void followFolders() {
    TableNames names = current;
    if (names != null) {
      Guard.trusted(names::follow);
    }
  }

  /** Tell the catalogue the columns, which JDBC's metadata calls take from there. */
  static void followColumns() {
    Guard.trusted(current::describe);
  }

  static Set<String> shown() {
    return current.shown;
  }

  private void makeSchemas() {
    for (String layer : OpenLayers.NAMES) {
      String place = OpenLayers.folder(layer).toString();
      spark.sql("CREATE SCHEMA IF NOT EXISTS " + layer + " LOCATION '" + place + "'");
    }
  }

  /** Names follow the folders: new ones are shown, those that are gone are no more. */
  private synchronized void follow() {
    try {
      Set<String> found = new TreeSet<>();
      for (String layer : OpenLayers.NAMES) {
        collect(layer, found);
      }
      for (String gone : shown.stream().filter(name -> !found.contains(name)).toList()) {
        spark.sql("DROP TABLE IF EXISTS " + gone);
        shown.remove(gone);
        LOG.info("no longer shown: {}", gone);
      }
    } catch (Exception e) {
      complain("could not look for tables in " + OpenLayers.LAKE, e);
    }
  }

  private void collect(String layer, Set<String> found) throws IOException {
    Path folder = OpenLayers.folder(layer);
    FileSystem files = folder.getFileSystem(spark.sparkContext().hadoopConfiguration());
    if (!files.exists(folder)) {
      return;
    }
    for (FileStatus status : files.listStatus(folder)) {
      String table = status.getPath().getName();
      String name = layer + ".`" + table + "`";
      boolean plain = table.matches("[A-Za-z0-9][A-Za-z0-9_]*") && OpenLayers.isOpen(table);
      if (status.isDirectory() && plain && (shown.contains(name) || written(files, status))) {
        found.add(name);
        show(name, status.getPath());
      }
    }
  }

  /** Without a first commit, CREATE TABLE would make one. */
  private static boolean written(FileSystem files, FileStatus table) throws IOException {
    Path log = new Path(table.getPath(), "_delta_log");
    if (!files.exists(log)) {
      return false;
    }
    for (FileStatus entry : files.listStatus(log)) {
      if (entry.getPath().getName().matches("\\d{20}\\.(json|checkpoint.*parquet)")) {
        return true;
      }
    }
    return false;
  }

  private void show(String name, Path place) {
    if (shown.contains(name)) {
      return;
    }
    String quoted = place.toString().replace("\\", "\\\\").replace("'", "\\'");
    try {
      spark.sql("CREATE TABLE IF NOT EXISTS " + name + " USING delta LOCATION '" + quoted + "'");
      shown.add(name);
      LOG.info("shown: {}", name);
    } catch (Exception e) {
      complain("could not show " + name, e);
    }
  }

  private void describe() {
    for (String name : shown) {
      try {
        Path log = new Path(OpenLayers.LAKE, name.replace(".", "/").replace("`", "") + "/_delta_log");
        long looked = System.currentTimeMillis();
        long changed = logChanged(log);
        if (!Long.valueOf(changed).equals(described.get(name))) {
          describe(name);
          // A commit a moment later may have the same time: what is so young is looked at again.
          described.put(name, Math.abs(looked - changed) < TICK_MS ? -1 : changed);
        }
      } catch (Exception e) {
        complain("could not describe " + name, e);
      }
    }
  }

  /**
   * When the log was last written; a store that keeps no time for folders is asked every minute.
   *
   * <p>The lake has a scheme of its own here ({@code viewfs}), so it is asked where the log really is.
   */
  private long logChanged(Path log) throws IOException {
    FileSystem files = log.getFileSystem(spark.sparkContext().hadoopConfiguration());
    boolean local = "file".equals(files.resolvePath(log).toUri().getScheme());
    return local
        ? files.getFileStatus(log).getModificationTime()
        : System.currentTimeMillis() / STORE_POLL_MS;
  }

  private void describe(String name) {
    String[] parts = name.replace("`", "").split("\\.");
    StructType columns = spark.table(name).schema();
    spark.sessionState().catalog().externalCatalog().alterTableSchema(parts[0], parts[1], columns);
  }

  /** Once: it is tried again at every poll and every statement. */
  private void complain(String what, Exception cause) {
    String said = what + ": " + Refused.oneLine(String.valueOf(cause.getMessage()));
    if (complaints.size() < MOST_COMPLAINTS && complaints.add(said)) {
      LOG.warn(said);
    }
  }
}
