package city.civiclake;

import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2;

/**
 * The analysts' server: Spark's Thrift server over the tables found in the open layers.
 *
 * <p>The catalogue is in memory and made from the folders, at start and then every second, so
 * there is nothing to corrupt, and a table that a first batch has written is there for the next
 * query. What a table holds is read from its Delta log at every query.
 */
public final class SqlServer {
  private static final Logger LOG = LogManager.getLogger(SqlServer.class);
  private static final long POLL_MS = 1000;

  private final SparkSession spark;
  private final Set<String> shown = new TreeSet<>();

  private SqlServer(SparkSession spark) {
    this.spark = spark;
  }

  public static void main(String[] args) throws InterruptedException {
    SparkSession spark = SparkSession.builder().getOrCreate();
    SqlServer server = new SqlServer(spark);
    Guard.trusted(server::makeSchemas);
    Guard.trusted(server::showTables);
    GuardedParser.remember(spark.newSession());
    HiveThriftServer2.startWithContext(spark.sqlContext());
    LOG.info("the analysts' door is open, tables: {}", server.shown);
    while (!spark.sparkContext().isStopped()) {
      Thread.sleep(POLL_MS);
      Guard.trusted(server::showTables);
    }
  }

  private void makeSchemas() {
    OpenLayers.NAMES.forEach(layer -> spark.sql("CREATE SCHEMA IF NOT EXISTS " + layer));
  }

  /** Names follow the folders: new ones are shown, those that are gone are no more. */
  private void showTables() {
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
    } catch (IOException | RuntimeException e) {
      LOG.warn("could not look for tables in {}: {}", OpenLayers.lake(), e.getMessage());
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
      boolean plain = table.matches("[A-Za-z0-9][A-Za-z0-9_]*");
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
    } catch (RuntimeException e) {
      LOG.warn("could not show {}: {}", name, e.getMessage());
    }
  }
}
