package city.civiclake;

import java.util.List;
import org.apache.spark.SparkContext;

/**
 * Secrets that executors need, given to this engine's own and to nobody else's.
 *
 * <p>Spark hands an executor variables that its settings name, with their values: these stand there
 * while Spark starts, and no session can ask for them afterwards. A worker never has them itself.
 */
final class ExecutorVariables {
  private static final String NAMES = "CIVICLAKE_EXECUTOR_VARIABLES";
  private static final String SETTING = "spark.executorEnv.";

  private ExecutorVariables() {}

  /** Before Spark starts. */
  static void give() {
    for (String name : names()) {
      System.setProperty(SETTING + name, System.getenv(name));
    }
  }

  /** Spark has read them. */
  static void forget(SparkContext spark) {
    for (String name : names()) {
      System.clearProperty(SETTING + name);
      spark.conf().remove(SETTING + name);
    }
  }

  private static List<String> names() {
    String found = System.getenv(NAMES);
    boolean isAlone = System.getProperty("spark.master", "").startsWith("local");
    return found == null || found.isEmpty() || isAlone ? List.of() : List.of(found.split(","));
  }
}
