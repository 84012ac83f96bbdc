package city.civiclake;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.catalyst.analysis.ResolvedTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.expressions.ScalaUDF;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.CompoundPlanStatement;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ParsedStatement;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.delta.DeltaLogFileIndex;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.commands.DescribeDeltaHistoryCommand;
import org.apache.spark.sql.delta.commands.cdc.CDCReader;
import org.apache.spark.sql.delta.files.TahoeFileIndex;
import org.apache.spark.sql.execution.command.ExplainCommand;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.sources.BaseRelation;
import scala.Option;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Says yes or no to a plan, by allow-lists: a kind of node that is not named here is refused, so a
 * statement that a later Spark adds is closed until somebody opens it.
 *
 * <p>A table is judged by where its data stands and not by its name: only Delta tables under the
 * open layers of the lake pass, however they were named.
 */
final class PlanJudge {
  private static final String LOGICAL = "org.apache.spark.sql.catalyst.plans.logical.";
  private static final String COMMAND = "org.apache.spark.sql.execution.command.";
  private static final String ANALYSIS = "org.apache.spark.sql.catalyst.analysis.";
  private static final String DELTA = "org.apache.spark.sql.delta.commands.";

  private static final Set<String> QUERIES =
      Set.of(
          "Project", "Filter", "Aggregate", "Join", "LateralJoin", "Sort", "GlobalLimit",
          "LocalLimit", "Offset", "Distinct", "Union", "Intersect", "Except", "SubqueryAlias",
          "WithCTE", "CTERelationDef", "CTERelationRef", "UnionLoop", "UnionLoopRef", "Window",
          "Generate", "Expand", "Pivot", "Unpivot", "Sample", "Repartition",
          "RepartitionByExpression", "RebalancePartitions", "Deduplicate", "OneRowRelation", "LocalRelation",
          "Range", "ResolvedHint", "Tail", "Collation");

  /**
   * What Spark and Delta build in the course of a query, to decode rows and to read a table's log.
   * No statement becomes one of these.
   */
  private static final Set<String> INNER_WORKINGS =
      Set.of(
          LOGICAL + "DeserializeToObject", LOGICAL + "SerializeFromObject",
          LOGICAL + "MapElements", LOGICAL + "MapPartitions", LOGICAL + "TypedFilter",
          "org.apache.spark.sql.execution.LogicalRDD",
          "org.apache.spark.sql.execution.ExternalRDD");

  private static final Set<String> STATEMENTS =
      Set.of(
          LOGICAL + "ShowNamespaces", LOGICAL + "ShowTables", LOGICAL + "ShowTablesExtended",
          LOGICAL + "ShowColumns",
          LOGICAL + "ShowFunctions", LOGICAL + "ShowTableProperties", LOGICAL + "ShowViews",
          LOGICAL + "ShowCreateTable", LOGICAL + "ShowPartitions", LOGICAL + "DescribeRelation",
          LOGICAL + "DescribeColumn", LOGICAL + "DescribeNamespace", LOGICAL + "DescribeFunction",
          LOGICAL + "SetCatalogAndNamespace", COMMAND + "ShowNamespacesCommand",
          COMMAND + "ShowTablesCommand", COMMAND + "ShowColumnsCommand",
          COMMAND + "ShowFunctionsCommand", COMMAND + "ShowTablePropertiesCommand",
          COMMAND + "ShowViewsCommand", COMMAND + "ShowCreateTableCommand",
          COMMAND + "ShowCatalogsCommand", COMMAND + "ShowCurrentNamespaceCommand",
          COMMAND + "ShowPartitionsCommand", COMMAND + "DescribeTableCommand",
          COMMAND + "DescribeColumnCommand", COMMAND + "DescribeDatabaseCommand",
          COMMAND + "DescribeFunctionCommand", COMMAND + "DescribeQueryCommand",
          COMMAND + "SetNamespaceCommand", COMMAND + "SetCatalogCommand",
          DELTA + "DescribeDeltaHistory", DELTA + "DescribeDeltaHistoryCommand",
          DELTA + "DescribeDeltaDetailCommand", DELTA + "ShowDeltaTableColumnsCommand",
          DELTA + "ShowDeltaPartitionsCommand",
          "org.apache.spark.sql.delta.DeltaTableValueFunction");

  private static final Set<String> NAMES =
      Set.of(
          "org.apache.spark.sql.catalyst.expressions.PipeOperator",
          ANALYSIS + "ResolvedNamespace", ANALYSIS + "ResolvedNonPersistentFunc",
          ANALYSIS + "UnresolvedNamespace", ANALYSIS + "CurrentNamespace",
          ANALYSIS + "UnresolvedFunctionName");

  /** Expressions inside the allowed packages that run code or read what a query can name. */
  private static final Set<String> CLOSED_EXPRESSIONS =
      Set.of(
          "CallMethodViaReflection", "TryReflect", "PythonUDF", "PythonUDAF", "PythonUDTF",
          "UnresolvedPolymorphicPythonUDTF", "UserDefinedExpression",
          "ApplyFunctionExpression", "XmlToStructs", "SchemaOfXml", "StructsToXml",
          "FromProtobuf", "ToProtobuf", "FromAvro", "ToAvro", "SQLFunctionExpression",
          "SQLScalarFunction", "UserDefinedGenerator", "TransformingTableFunction");

  /** Spark's own expressions, and those by which Delta reads a log: these have no name in SQL. */
  private static final List<String> PACKAGES =
      List.of("org.apache.spark.sql.catalyst.", "org.apache.spark.sql.delta.");

  private PlanJudge() {}

  /** The kinds in a statement as parsed, so that what is closed does not even get resolved. */
  static void judgeKinds(LogicalPlan plan) {
    judgeKind(plan);
    ParsedNames.judge(plan, STATEMENTS);
    for (LogicalPlan child : list(plan.children())) {
      judgeKinds(child);
    }
    for (Object inner : list(plan.innerChildren())) {
      if (inner instanceof LogicalPlan innerPlan) {
        judgeKinds(innerPlan);
      }
    }
  }

  private static void judgeKind(LogicalPlan plan) {
    if (plan instanceof CompoundPlanStatement) {
      throw Refused.because("a SQL script (BEGIN ... END)");
    }
    if (plan instanceof ExplainCommand explain) {
      judgeKinds(explain.logicalPlan());
    } else if (plan instanceof SetCommand set) {
      judgeSetting(set);
    } else if (plan instanceof Command || plan instanceof ParsedStatement) {
      String name = plan.getClass().getName();
      boolean dynamic = name.endsWith("ExecuteImmediateQuery");
      if (!STATEMENTS.contains(name) && !dynamic) {
        throw Refused.because(words(plan));
      }
    }
  }

  /** A resolved plan with all that hangs on it. */
  static void judge(LogicalPlan plan) {
    judgeNode(plan);
    for (Expression expression : list(plan.expressions())) {
      judgeExpression(expression);
    }
    for (LogicalPlan child : list(plan.children())) {
      judge(child);
    }
    for (Object inner : list(plan.innerChildren())) {
      if (inner instanceof LogicalPlan innerPlan) {
        judge(innerPlan);
      } else if (inner instanceof Expression expression) {
        judgeExpression(expression);
      }
    }
  }

  private static void judgeNode(LogicalPlan plan) {
    if (plan instanceof LogicalRelation relation) {
      judgeRelation(relation.relation());
    } else if (plan instanceof DataSourceV2Relation relation) {
      judgeTable(relation.table());
    } else if (plan instanceof ResolvedTable resolved) {
      judgeTable(resolved.table());
    } else if (plan instanceof SetCommand || plan instanceof ExplainCommand) {
      judgeKind(plan);
    } else {
      judgeName(plan);
    }
    if (plan instanceof DescribeDeltaHistoryCommand history) {
      judgeTable(history.table());
    }
  }

  private static void judgeName(LogicalPlan plan) {
    String name = plan.getClass().getName();
    boolean other =
        STATEMENTS.contains(name) || NAMES.contains(name) || INNER_WORKINGS.contains(name);
    if (!isPlainPart(plan) && !other) {
      throw Refused.because(words(plan));
    }
  }

  /** Whether it runs code, or reads what a query can name. */
  static boolean isClosed(Expression expression) {
    Class<?> kind = expression.getClass();
    return PACKAGES.stream().noneMatch(kind.getName()::startsWith)
        || CLOSED_EXPRESSIONS.contains(kind.getSimpleName());
  }

  /** Whether it is a plain part of a query, which reads nothing by itself. */
  static boolean isPlainPart(LogicalPlan plan) {
    String name = plan.getClass().getName();
    return name.startsWith(LOGICAL) && QUERIES.contains(name.substring(LOGICAL.length()));
  }

  private static void judgeExpression(Expression expression) {
    if (expression instanceof ScalaUDF udf && !isOfDelta(udf.function())) {
      throw Refused.because("a function of somebody's own");
    }
    if (isClosed(expression)) {
      throw Refused.because("the expression " + expression.prettyName());
    }
    if (expression instanceof PlanExpression<?> subquery
        && subquery.plan() instanceof LogicalPlan plan) {
      judge(plan);
    }
    for (Expression child : list(expression.children())) {
      judgeExpression(child);
    }
  }

  /** Delta reads logs and deletion vectors with functions of its own, which have no name in SQL. */
  private static boolean isOfDelta(Object function) {
    return function.getClass().getName().startsWith("org.apache.spark.sql.delta.");
  }

  private static void judgeRelation(BaseRelation relation) {
    if (relation instanceof HadoopFsRelation files
        && files.location() instanceof TahoeFileIndex) {
      for (Path path : list(files.location().rootPaths().toList())) {
        judgePlace(path);
      }
    } else if (relation instanceof HadoopFsRelation files
        && files.location() instanceof DeltaLogFileIndex) {
      for (Path path : list(files.location().rootPaths().toList())) {
        judgePlace(tableOfLog(path));
      }
    } else if (relation instanceof CDCReader.DeltaCDFRelation changes) {
      judgePlace(changes.snapshotWithSchemaMode().snapshot().deltaLog().dataPath());
    } else {
      throw Refused.because("reading anything but the lake's Delta tables");
    }
  }

  /** Delta reads a table's log by a query of its own. */
  private static Path tableOfLog(Path file) {
    Path folder = file;
    while (folder != null && !folder.getName().equals("_delta_log")) {
      folder = folder.getParent();
    }
    return folder == null ? file : folder.getParent();
  }

  private static void judgeTable(Table table) {
    if (table instanceof DeltaTableV2 delta) {
      judgePlace(delta.path());
    } else if (table instanceof V1Table v1) {
      judgeCatalogTable(v1.v1Table());
    } else {
      throw Refused.because("reading anything but the lake's Delta tables");
    }
  }

  private static void judgeCatalogTable(CatalogTable table) {
    if (table.storage().locationUri().isEmpty()) {
      throw Refused.because("a table without a place in the lake");
    }
    judgePlace(new Path(table.storage().locationUri().get()));
  }

  private static void judgePlace(Path path) {
    if (!OpenLayers.holds(path)) {
      throw Refused.because("a table outside of unified and marts");
    }
  }

  private static void judgeSetting(SetCommand set) {
    Option<Tuple2<String, Option<String>>> pair = set.kv();
    if (pair.isEmpty()) {
      throw Refused.because("SET without a name");
    }
    if (!GuardedParser.FREE_SETTINGS.contains(pair.get()._1())) {
      throw Refused.because("SET " + pair.get()._1());
    }
  }

  /** {@code DropTable} becomes {@code DROP TABLE}. */
  private static String words(LogicalPlan plan) {
    String name = plan.getClass().getSimpleName();
    String bare = name.replaceAll("(Command|Statement|Plan)?\\$?$", "");
    return bare.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toUpperCase(Locale.ROOT);
  }

  private static <T> List<T> list(Seq<T> items) {
    return CollectionConverters.asJava(items);
  }
}
