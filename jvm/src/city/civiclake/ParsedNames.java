package city.civiclake;

import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.RelationTimeTravel;
import org.apache.spark.sql.catalyst.analysis.UnresolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.UnresolvedNamespace;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTable;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableOrView;
import org.apache.spark.sql.catalyst.analysis.UnresolvedView;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Lets in names and no places: Delta asks a place that a statement quotes (over HTTP, FTP, HDFS, S3)
 * while it resolves the statement, so a judge of resolved plans comes too late.
 *
 * <p>Spark's own parser makes only nodes of Spark's packages; a node of Delta's in a parsed statement
 * is one of the statements that {@link PlanJudge} lists, or it stands for a place.
 */
final class ParsedNames {
  private static final List<String> SPARKS_OWN =
      List.of(
          "org.apache.spark.sql.catalyst.", "org.apache.spark.sql.execution.command.");

  private ParsedNames() {}

  /** One node of a parsed statement, with what hangs on its expressions. */
  static void judge(LogicalPlan plan, Set<String> statements) {
    String kind = plan.getClass().getName();
    if (SPARKS_OWN.stream().noneMatch(kind::startsWith) && !statements.contains(kind)) {
      throw Refused.because("a place in place of a table's name");
    }
    judgeNames(plan);
    for (Expression expression : list(plan.expressions())) {
      judgeExpression(expression);
    }
  }

  private static void judgeNames(LogicalPlan plan) {
    if (plan instanceof UnresolvedRelation table) {
      judgeName(table.multipartIdentifier());
      if (!table.options().isEmpty()) {
        throw Refused.because("a table WITH options");
      }
    } else if (plan instanceof UnresolvedTable table) {
      judgeName(table.multipartIdentifier());
    } else if (plan instanceof UnresolvedTableOrView table) {
      judgeName(table.multipartIdentifier());
    } else if (plan instanceof UnresolvedView view) {
      judgeName(view.multipartIdentifier());
    } else if (plan instanceof UnresolvedNamespace schema) {
      judgeName(schema.multipartIdentifier());
    } else if (plan instanceof UnresolvedIdentifier name) {
      judgeName(name.nameParts());
    } else if (plan instanceof RelationTimeTravel travel) {
      PlanJudge.judgeKinds(travel.relation());
      travel.timestamp().foreach(moment -> {
        judgeExpression(moment);
        return null;
      });
    }
  }

  /** No name of a table, a schema or a query's part holds what every place has. */
  static void judgeName(Seq<String> parts) {
    for (String part : list(parts)) {
      judgeName(part);
    }
  }

  static void judgeName(String part) {
    if (part.contains("/") || part.contains(":") || part.contains("\\")) {
      throw Refused.because("a place in place of a table's name");
    }
  }

  private static void judgeExpression(Expression expression) {
    if (expression instanceof PlanExpression<?> inner && inner.plan() instanceof LogicalPlan plan) {
      PlanJudge.judgeKinds(plan);
    }
    for (Expression child : list(expression.children())) {
      judgeExpression(child);
    }
  }

  private static <T> List<T> list(Seq<T> items) {
    return CollectionConverters.asJava(items);
  }
}
