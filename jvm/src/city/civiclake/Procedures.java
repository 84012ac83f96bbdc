package city.civiclake;

import java.util.List;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.ProcedureCatalog;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.connector.catalog.procedures.UnboundProcedure;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** What the jobs may call beside Spark's SQL; only their engine knows this catalogue. */
public final class Procedures implements ProcedureCatalog, FunctionCatalog {
  private static final List<TextFunction<?>> FUNCTIONS =
      List.of(new PlainText(), new IsExact(), new IsNumber(), new IsMoment());
  private static final String APPLY = "apply_changes";
  private static final String READS = "query_reads";
  private static final String APPEND = "append_file";
  private String name = "civiclake";

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public UnboundProcedure loadProcedure(Identifier wanted) {
    if (APPLY.equals(wanted.name())) {
      return new ApplyChanges();
    }
    if (READS.equals(wanted.name())) {
      return new QueryReads();
    }
    if (APPEND.equals(wanted.name())) {
      return new AppendFile();
    }
    throw new IllegalArgumentException(
        "there is no procedure " + wanted + "; allowed are " + name + "." + APPLY + ", " + name
            + "." + APPEND + " and " + name + "." + READS);
  }

  @Override
  public UnboundFunction loadFunction(Identifier wanted) {
    for (TextFunction<?> function : FUNCTIONS) {
      if (function.name().equals(wanted.name())) {
        return function;
      }
    }
    throw new IllegalArgumentException("there is no function " + wanted + " in " + name);
  }

  @Override
  public Identifier[] listFunctions(String[] namespace) {
    return FUNCTIONS.stream()
        .map(function -> Identifier.of(namespace, function.name()))
        .toArray(Identifier[]::new);
  }

  @Override
  public Identifier[] listProcedures(String[] namespace) {
    return new Identifier[] {
      Identifier.of(namespace, APPLY),
      Identifier.of(namespace, APPEND),
      Identifier.of(namespace, READS),
    };
  }
}
