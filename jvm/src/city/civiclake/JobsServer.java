package city.civiclake;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService;

/**
 * The jobs' server: Spark Connect, whose sessions share one class loader.
 *
 * <p>Spark's own main class keeps what a session uploads apart from the others' by a class loader
 * and a folder for each session. Our sessions upload nothing, and with a class loader of its own
 * every session's tasks look all classes up anew and start Python workers of their own.
 */
public final class JobsServer {
  private static final Logger LOG = LogManager.getLogger(JobsServer.class);

  private JobsServer() {}

  public static void main(String[] args) throws InterruptedException {
    RpcSecret.make();
    ExecutorVariables.give();
    SparkSession spark =
        SparkSession.builder()
            .config("spark.sql.artifact.isolation.enabled", false)
            .config("spark.sql.artifact.isolation.alwaysApplyClassloader", false)
            .getOrCreate();
    RpcSecret.forget();
    ExecutorVariables.forget(spark.sparkContext());
    SparkConnectService.start(spark.sparkContext());
    LOG.info("the jobs' door is open");
    while (!spark.sparkContext().isStopped()) {
      Thread.sleep(1000);
    }
    LOG.fatal("CIVICLAKE_ENDS Spark gave up");
    System.exit(70);
  }
}
