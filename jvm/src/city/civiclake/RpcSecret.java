package city.civiclake;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * What the ports inside of an engine ask for: any user of the machine may connect to them.
 *
 * <p>With {@code local[n]} Spark makes a secret of its own, known to the process alone. With any
 * other master it wants to be given one; here it is as new at every start, and as little known. A
 * cluster's workers have to know it, too: then it comes by the environment.
 */
final class RpcSecret {
  private static final String SETTING = "spark.authenticate.secret";
  private static final String VARIABLE = "CIVICLAKE_SPARK_SECRET";
  private static final int BYTES = 32;

  private RpcSecret() {}

  /** Before Spark starts. */
  static void make() {
    if (System.getProperty("spark.master", "").matches("local(\\[[0-9*]+])?")) {
      return;
    }
    String given = System.getenv(VARIABLE);
    byte[] made = new byte[BYTES];
    new SecureRandom().nextBytes(made);
    System.setProperty(SETTING, given == null ? HexFormat.of().formatHex(made) : given);
  }

  /** Spark has read it: the properties of the process tell it to nobody. */
  static void forget() {
    System.clearProperty(SETTING);
  }
}
