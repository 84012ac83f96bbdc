package city.civiclake;

import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Judges a statement before it is resolved: by its kind, and by the settings of its session.
 *
 * <p>A JDBC client may hand settings over when it logs in, past every SET; one that names a new
 * catalogue class would be loaded while a statement is resolved. So a session whose settings differ
 * from the server's gets no statement parsed.
 */
final class GuardedParser implements ParserInterface {
  /** What SET may change. */
  static final Set<String> FREE_SETTINGS = Set.of("spark.sql.session.timeZone");

  /** What the Thrift server itself sets in every session that it opens. */
  private static final Set<String> SERVERS_OWN = Set.of("spark.sql.datetime.java8API.enabled");

  private static volatile Map<String, String> baseline;

  private final SparkSession session;
  private final ParserInterface inner;

  GuardedParser(SparkSession session, ParserInterface inner) {
    this.session = session;
    this.inner = inner;
  }

  /** Remember the settings of an untouched session, before the first analyst comes. */
  static void remember(SparkSession untouched) {
    baseline = CollectionConverters.asJava(untouched.conf().getAll());
  }

  @Override
  public LogicalPlan parsePlan(String sql) {
    return judged(sql, null);
  }

  @Override
  public LogicalPlan parsePlanWithParameters(String sql, ParameterContext parameters) {
    return judged(sql, parameters);
  }

  private LogicalPlan judged(String sql, ParameterContext parameters) {
    try {
      boolean trusted = Guard.isTrusted();
      if (!trusted) {
        refuseForeignSettings();
      }
      LogicalPlan plan =
          parameters == null
              ? inner.parsePlan(sql)
              : inner.parsePlanWithParameters(sql, parameters);
      if (!trusted) {
        PlanJudge.judgeKind(plan);
      }
      return plan;
    } catch (Exception error) {
      return Refused.<LogicalPlan, RuntimeException>raise(error);
    }
  }

  private void refuseForeignSettings() throws Refused {
    if (baseline == null) {
      throw Refused.because("a statement before the server is ready");
    }
    Map<String, String> now = CollectionConverters.asJava(session.conf().getAll());
    for (Map.Entry<String, String> setting : now.entrySet()) {
      String key = setting.getKey();
      boolean free = FREE_SETTINGS.contains(key) || SERVERS_OWN.contains(key);
      if (!free && !setting.getValue().equals(baseline.get(key))) {
        throw Refused.because("a session that sets " + key);
      }
    }
  }

  @Override
  public LogicalPlan parseQuery(String sql) {
    try {
      return inner.parseQuery(sql);
    } catch (Exception error) {
      return Refused.<LogicalPlan, RuntimeException>raise(error);
    }
  }

  @Override
  public Expression parseExpression(String sql) {
    try {
      return inner.parseExpression(sql);
    } catch (Exception error) {
      return Refused.<Expression, RuntimeException>raise(error);
    }
  }

  @Override
  public TableIdentifier parseTableIdentifier(String sql) {
    try {
      return inner.parseTableIdentifier(sql);
    } catch (Exception error) {
      return Refused.<TableIdentifier, RuntimeException>raise(error);
    }
  }

  @Override
  public FunctionIdentifier parseFunctionIdentifier(String sql) {
    try {
      return inner.parseFunctionIdentifier(sql);
    } catch (Exception error) {
      return Refused.<FunctionIdentifier, RuntimeException>raise(error);
    }
  }

  @Override
  public Seq<String> parseMultipartIdentifier(String sql) {
    try {
      return inner.parseMultipartIdentifier(sql);
    } catch (Exception error) {
      return Refused.<Seq<String>, RuntimeException>raise(error);
    }
  }

  @Override
  public StructType parseRoutineParam(String sql) {
    try {
      return inner.parseRoutineParam(sql);
    } catch (Exception error) {
      return Refused.<StructType, RuntimeException>raise(error);
    }
  }

  @Override
  public StructType parseTableSchema(String sql) {
    try {
      return inner.parseTableSchema(sql);
    } catch (Exception error) {
      return Refused.<StructType, RuntimeException>raise(error);
    }
  }

  @Override
  public DataType parseDataType(String sql) {
    try {
      return inner.parseDataType(sql);
    } catch (Exception error) {
      return Refused.<DataType, RuntimeException>raise(error);
    }
  }
}
