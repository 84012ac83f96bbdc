package city.civiclake;

import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2;
import org.apache.thrift.transport.TTransportException;

/** The analysts' server: Spark's Thrift server over the tables found in the open layers. */
public final class SqlServer {
  private static final Logger LOG = LogManager.getLogger(SqlServer.class);

  /** Statements look for new tables themselves; what JDBC asks about names does not. */
  private static final long POLL_MS = 1000;

  /**
   * What a client may hand over when it logs in: how many rows it wants at a time. Hive would take
   * anything, such as a folder for downloads, which it deletes when the session closes.
   */
  private static final String FREE_AT_LOGIN = "hive\\.server2\\.thrift\\.resultset\\.[a-z.]+";

  /**
   * No metastore, and nobody who asks it: closing a session wants to know whether it has class loaders to
   * forget, and a metadata call whether Hive authorizes. Hive would make one for that, a database in
   * memory which nothing else uses (3 CPU seconds). The last word says that a session's rights are set
   * up, for which Hive would ask the metastore once more.
   */
  private static final Map<String, String> NO_METASTORE =
      Map.of(
          "hive.metastore.uris", "none",
          "hive.security.authorization.manager", NoRoles.class.getName(),
          "hive.internal.ss.authz.settings.applied.marker", "true");

  private static final CountDownLatch READY = new CountDownLatch(1);

  private SqlServer() {}

  /** The service itself listens before the gate does. */
  static void awaitReady() {
    try {
      READY.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the server stops");
    }
  }

  public static void main(String[] args)
      throws InterruptedException, ReflectiveOperationException, TTransportException {
    NoFiles.closeOthers(System.getProperty("civiclake.store", "file"));
    Map<String, String> properties = SealedProperties.seal();
    RpcSecret.make();
    SparkSession spark = SparkSession.builder().getOrCreate();
    RpcSecret.forget();
    TableNames.start(spark);
    GuardedParser.remember(spark.newSession(), properties);
    HiveThriftServer2 server = HiveThriftServer2.startWithContext(spark.sqlContext());
    NO_METASTORE.forEach(server.getHiveConf()::set);
    server.getHiveConf().setModifiableWhiteListRegex(FREE_AT_LOGIN);
    LimitedOperations.install(server);
    DoorWatch watch = new DoorWatch();
    spark.sparkContext().addSparkListener(watch);
    watch.start();
    Gate gate = Gate.install(server);
    READY.countDown();
    LOG.info("the analysts' door is open, tables: {}", TableNames.shown());
    while (!spark.sparkContext().isStopped()) {
      Thread.sleep(POLL_MS);
      follow(gate);
    }
    DoorWatch.halt("Spark gave up");
  }

  /** A door that lives on while this loop does not would show old names and columns for ever. */
  private static void follow(Gate gate) {
    try {
      TableNames.followFolders();
      TableNames.followColumns();
      gate.sweep();
    } catch (RuntimeException e) {
      LOG.error("the door goes on following its tables", e);
    } catch (Error e) {
      DoorWatch.halt("it could not follow its tables any more: " + e);
    }
  }
}
