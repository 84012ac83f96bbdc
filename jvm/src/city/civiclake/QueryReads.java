package city.civiclake;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.expressions.ScalaUDF;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ParsedStatement;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.procedures.ProcedureParameter;
import org.apache.spark.sql.connector.catalog.procedures.SimpleProcedure;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.delta.files.TahoeLogFileIndex;
import org.apache.spark.sql.execution.CommandExecutionMode;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Tells what a query would read, from the plan that Spark has resolved and before any of it runs.
 *
 * <p>A row for each Delta table that is read at a fixed version (kind {@code table}), and one for
 * whatever else could read or run something (kind {@code other}). Names, views, CTEs and subqueries
 * have become by then what they stand for, so a text that a parser of somebody else's would
 * misread is told as Spark reads it.
 */
final class QueryReads implements SimpleProcedure {
  private static final StructType RESULT =
      new StructType()
          .add("kind", DataTypes.StringType)
          .add("name", DataTypes.StringType)
          .add("version", DataTypes.LongType);

  private record Found(String kind, String name, long version) {}

  @Override
  public String name() {
    return "query_reads";
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }

  @Override
  public ProcedureParameter[] parameters() {
    return new ProcedureParameter[] {
      ProcedureParameter.in("query", DataTypes.StringType).comment("one query").build()
    };
  }

  @Override
  public Iterator<Scan> call(InternalRow given) {
    SparkSession spark = (SparkSession) SparkSession.active();
    LogicalPlan parsed = parsed(spark, given.getUTF8String(0).toString());
    Set<Found> found = new LinkedHashSet<>();
    if (parsed instanceof Command || parsed instanceof ParsedStatement) {
      found.add(other(parsed.nodeName()));
    } else {
      var skip = CommandExecutionMode.SKIP();
      collect(spark.sessionState().executePlan(parsed, skip).analyzed(), found);
    }
    return List.of(result(found)).iterator();
  }

  /** Scala throws checked exceptions undeclared; the caller is told as by any statement. */
  private static LogicalPlan parsed(SparkSession spark, String text) {
    try {
      return spark.sessionState().sqlParser().parsePlan(text);
    } catch (ParseException error) {
      return Refused.raise(error);
    }
  }

  private static void collect(LogicalPlan plan, Set<Found> found) {
    if (plan instanceof LogicalRelation relation) {
      found.add(place(relation));
    } else if (!(plan instanceof View) && !PlanJudge.isPlainPart(plan)) {
      found.add(other(plan.nodeName()));
    }
    for (Expression expression : list(plan.expressions())) {
      collect(expression, found);
    }
    for (LogicalPlan child : list(plan.children())) {
      collect(child, found);
    }
    for (Object inner : list(plan.innerChildren())) {
      if (inner instanceof LogicalPlan innerPlan) {
        collect(innerPlan, found);
      }
    }
  }

  private static void collect(Expression expression, Set<Found> found) {
    if (PlanJudge.isClosed(expression) || expression instanceof ScalaUDF) {
      found.add(other(expression.prettyName()));
    }
    if (expression instanceof PlanExpression<?> subquery
        && subquery.plan() instanceof LogicalPlan plan) {
      collect(plan, found);
    }
    for (Expression child : list(expression.children())) {
      collect(child, found);
    }
  }

  /** A table read as it is at some later time is none that was pinned. */
  private static Found place(LogicalRelation relation) {
    if (relation.relation() instanceof HadoopFsRelation files
        && files.location() instanceof TahoeLogFileIndex index) {
      String path = index.path().toUri().getPath();
      return new Found("table", path, index.isTimeTravelQuery() ? index.version() : -1);
    }
    return other(relation.relation().getClass().getSimpleName());
  }

  private static Found other(String name) {
    return new Found("other", name, -1);
  }

  private static Scan result(Set<Found> found) {
    List<InternalRow> rows = new ArrayList<>();
    for (Found one : found) {
      UTF8String kind = UTF8String.fromString(one.kind());
      UTF8String name = UTF8String.fromString(one.name());
      rows.add(new GenericInternalRow(new Object[] {kind, name, one.version()}));
    }
    return new LocalScan() {
      @Override
      public InternalRow[] rows() {
        return rows.toArray(InternalRow[]::new);
      }

      @Override
      public StructType readSchema() {
        return RESULT;
      }
    };
  }

  private static <T> List<T> list(Seq<T> items) {
    return CollectionConverters.asJava(items);
  }
}
