package city.civiclake;

import java.util.Collections;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/** What the analysts' door says no to: one sentence, without a place in the code. */
final class Refused extends AnalysisException {
  private static final long serialVersionUID = 1L;

  private Refused(String message) {
    super(
        message,
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Option.apply("CIVICLAKE_REFUSED"),
        Map$.MODULE$.<String, String>empty(),
        new QueryContext[0],
        Option.apply("42501"),
        Option.empty());
  }

  static Refused because(String what) {
    return new Refused(
        what
            + " is refused at the analysts' door, which is for reading: allowed are queries"
            + " (SELECT, WITH, VALUES) over the tables of unified and marts, and SHOW, DESCRIBE,"
            + " EXPLAIN and USE");
  }

  @Override
  public String getMessage() {
    return message();
  }

  @Override
  public java.util.Map<String, String> getMessageParameters() {
    return Collections.emptyMap();
  }

  /** Scala's functions declare no exceptions; this lets a checked one through. */
  @SuppressWarnings("unchecked")
  static <R, E extends Throwable> R raise(Throwable error) throws E {
    throw (E) error;
  }
}
