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
 * catalogue class would be loaded while a statement is resolved. So a session that comes with
 * settings of its own gets no statement parsed.
 */
final class GuardedParser implements ParserInterface {
  /** What SET may change. */
  static final Set<String> FREE_SETTINGS = Set.of("spark.sql.session.timeZone");

  /** What a client may hand over at login, beside the time zone. */
  private static final String RESULT_SETS = "hive.server2.thrift.resultset.";

  /** What the Thrift server and Delta themselves set in every session; yes or no, harmless. */
  private static final Set<String> AT_OPENING =
      Set.of(
          "spark.sql.datetime.java8API.enabled", "spark.sql.parquet.fieldId.read.enabled",
          "spark.sql.parquet.fieldId.write.enabled");

  private static volatile Map<String, String> baseline;
  private static volatile Map<String, String> properties = Map.of();

  private final SparkSession session;
  private final ParserInterface inner;

  /** Its settings were judged; from then on only SET, which is judged too, can change them. */
  private volatile boolean settled;

  GuardedParser(SparkSession session, ParserInterface inner) {
    this.session = session;
    this.inner = inner;
  }

  /**
   * Remember what a session has that nobody touched, before the first analyst comes: its settings,
   * and the process's properties, of which Hive copies some into every session.
   */
  static void remember(SparkSession untouched, Map<String, String> ofTheProcess) {
    properties = Map.copyOf(ofTheProcess);
    baseline = Map.copyOf(CollectionConverters.asJava(untouched.conf().getAll()));
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
        if (!settled) {
          refuseForeignSettings();
          settled = true;
        }
        TableNames.followFolders();
      }
      LogicalPlan plan =
          parameters == null
              ? inner.parsePlan(sql)
              : inner.parsePlanWithParameters(sql, parameters);
      if (!trusted) {
        PlanJudge.judgeKinds(plan);
      }
      return plan;
    } catch (Exception error) {
      return Refused.<LogicalPlan, RuntimeException>raise(error);
    }
  }

  private void refuseForeignSettings() {
    if (baseline == null) {
      throw Refused.because("a statement before the server is ready");
    }
    Map<String, String> now = CollectionConverters.asJava(session.conf().getAll());
    for (Map.Entry<String, String> setting : now.entrySet()) {
      String key = setting.getKey();
      String value = setting.getValue();
      boolean free =
          FREE_SETTINGS.contains(key) || AT_OPENING.contains(key) || key.startsWith(RESULT_SETS);
      if (!free && !value.equals(baseline.get(key)) && !value.equals(properties.get(key))) {
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
