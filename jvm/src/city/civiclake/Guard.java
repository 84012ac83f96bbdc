package city.civiclake;

import java.util.List;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Tuple3;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * The analysts' door: a session extension that lets through reading of open tables, and no more.
 *
 * <p>Spark SQL is not a sandbox, so three things stand in a row. The parser wrapper ({@link
 * GuardedParser}) looks at the kind of statement and at the session's settings before anything is
 * resolved. Functions that reach out of the query are replaced by a refusal, because Spark computes
 * some arguments while it still analyses. And the check rule ({@link PlanJudge}) walks the resolved
 * plan, where names, views, CTEs and subqueries have become what they stand for.
 */
public final class Guard extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  /** They call Java, or read files named in their options, or parse what may name a file. */
  private static final List<String> CLOSED_FUNCTIONS =
      List.of(
          "reflect", "java_method", "try_reflect", "from_avro", "to_avro", "schema_of_avro",
          "from_protobuf", "to_protobuf", "from_xml", "to_xml", "schema_of_xml", "xpath",
          "xpath_boolean", "xpath_double", "xpath_float", "xpath_int", "xpath_long",
          "xpath_number", "xpath_short", "xpath_string");

  private static final List<String> CLOSED_TABLE_FUNCTIONS =
      List.of("python_worker_logs", "table_changes_by_path");

  /** Set only by {@link SqlServer} around its own statements; no SQL can reach it. */
  private static final ThreadLocal<Boolean> TRUSTED = ThreadLocal.withInitial(() -> false);

  static void trusted(Runnable work) {
    TRUSTED.set(true);
    try {
      work.run();
    } finally {
      TRUSTED.remove();
    }
  }

  static boolean isTrusted() {
    return TRUSTED.get();
  }

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser(GuardedParser::new);
    extensions.injectCheckRule(session -> Guard::check);
    for (String name : CLOSED_FUNCTIONS) {
      extensions.injectFunction(
          new Tuple3<>(new FunctionIdentifier(name), info(name), arguments -> {
            throw closed(name);
          }));
    }
    for (String name : CLOSED_TABLE_FUNCTIONS) {
      extensions.injectTableFunction(
          new Tuple3<>(new FunctionIdentifier(name), info(name), arguments -> {
            throw closed(name);
          }));
    }
    return BoxedUnit.UNIT;
  }

  private static BoxedUnit check(LogicalPlan plan) {
    if (!isTrusted()) {
      PlanJudge.judge(plan);
    }
    return BoxedUnit.UNIT;
  }

  private static Refused closed(String function) {
    return Refused.because("the function " + function);
  }

  private static ExpressionInfo info(String name) {
    return new ExpressionInfo(
        Guard.class.getName(), null, name, "refused here", "", "", "", "", "", "", "built-in");
  }
}
