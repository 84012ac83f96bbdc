package city.civiclake;

import java.util.Map;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.catalyst.CurrentUserContext;

/**
 * What the analysts' door says no to: one sentence, without a place in the code.
 *
 * <p>No AnalysisException: to those Spark adds the whole plan.
 */
final class Refused extends RuntimeException implements SparkThrowable {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LogManager.getLogger(Refused.class);
  private static final int LONGEST = 200;

  private Refused(String message) {
    super(message, null, false, false);
  }

  /** The sentence for whoever asked; whoever keeps the lake finds a line in the log. */
  static Refused because(String what) {
    String shown = oneLine(what);
    LOG.info("{}: {} is refused", CurrentUserContext.getCurrentUserOrEmpty(), shown);
    return new Refused(
        shown
            + " is refused at the analysts' door, which is for reading: allowed are queries"
            + " (SELECT, WITH, VALUES) over the tables of unified and marts, and SHOW, DESCRIBE,"
            + " EXPLAIN and USE");
  }

  static String oneLine(String text) {
    String line = text.replaceAll("\\p{Cntrl}", " ");
    return line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line;
  }

  @Override
  public String getCondition() {
    return "CIVICLAKE_REFUSED";
  }

  @Override
  public String getErrorClass() {
    return getCondition();
  }

  @Override
  public String getSqlState() {
    return "42501";
  }

  @Override
  public Map<String, String> getMessageParameters() {
    return Map.of();
  }

  @Override
  public String toString() {
    return getMessage();
  }

  /** Scala's functions declare no exceptions; this lets a checked one through. */
  @SuppressWarnings("unchecked")
  static <R, E extends Throwable> R raise(Throwable error) throws E {
    throw (E) error;
  }
}
