package city.civiclake;

import java.lang.reflect.Field;
import java.util.Map;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.OperationState;
import org.apache.hive.service.cli.operation.ExecuteStatementOperation;
import org.apache.hive.service.cli.operation.GetCrossReferenceOperation;
import org.apache.hive.service.cli.operation.GetPrimaryKeysOperation;
import org.apache.hive.service.cli.operation.OperationManager;
import org.apache.hive.service.cli.session.HiveSession;
import org.apache.hive.service.cli.session.SessionManager;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2;
import org.apache.spark.sql.hive.thriftserver.SparkSQLSessionManager;
import org.apache.spark.sql.hive.thriftserver.server.SparkSQLOperationManager;

/** Makes every statement of the server a {@link LimitedStatement}, and asks no metastore. */
final class LimitedOperations extends SparkSQLOperationManager {

  /** Put it in the place of the server's own, before the first session opens. */
  static void install(HiveThriftServer2 server) throws ReflectiveOperationException {
    SessionManager sessions =
        server.getServices().stream()
            .filter(org.apache.hive.service.CompositeService.class::isInstance)
            .flatMap(s -> ((org.apache.hive.service.CompositeService) s).getServices().stream())
            .filter(SessionManager.class::isInstance)
            .map(SessionManager.class::cast)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("the server has no session manager"));
    LimitedOperations made = new LimitedOperations();
    made.init(server.getHiveConf());
    made.start();
    set(SessionManager.class, "operationManager", sessions, made);
    set(SparkSQLSessionManager.class, "sparkSqlOperationManager", sessions, made);
  }

  private LimitedOperations() throws ReflectiveOperationException {
    // Spark's class looks for this map in the class above the one that is made: above this one
    // stands Spark's itself, which has none yet.
    Field handles = OperationManager.class.getDeclaredField("handleToOperation");
    handles.setAccessible(true);
    set(SparkSQLOperationManager.class, "handleToOperation", this, handles.get(this));
  }

  private static void set(Class<?> kind, String name, Object of, Object value)
      throws ReflectiveOperationException {
    Field field = kind.getDeclaredField(name);
    field.setAccessible(true);
    field.set(of, value);
  }

  @Override
  public synchronized ExecuteStatementOperation newExecuteStatementOperation(
      HiveSession parent,
      String statement,
      Map<String, String> overlay,
      boolean async,
      long timeout) {
    SparkSession session = sessionToContexts().get(parent.getSessionHandle());
    if (session == null) {
      Refused.raise(new HiveSQLException("the session is not open", "08003"));
    }
    LimitedStatement made = new LimitedStatement(session, parent, statement, overlay, async);
    handleToOperation().put(made.getHandle(), made);
    return made;
  }

  /** Tables of the lake declare no keys, and who asks for them is told so: with no row. */
  @Override
  public GetPrimaryKeysOperation newGetPrimaryKeysOperation(
      HiveSession parent, String catalog, String schema, String table) {
    GetPrimaryKeysOperation made =
        new GetPrimaryKeysOperation(parent, catalog, schema, table) {
          @Override
          public void runInternal() throws HiveSQLException {
            setState(OperationState.RUNNING);
            setState(OperationState.FINISHED);
          }
        };
    handleToOperation().put(made.getHandle(), made);
    return made;
  }

  @Override
  public GetCrossReferenceOperation newGetCrossReferenceOperation(
      HiveSession parent,
      String catalog,
      String schema,
      String table,
      String foreignCatalog,
      String foreignSchema,
      String foreignTable) {
    GetCrossReferenceOperation made =
        new GetCrossReferenceOperation(
            parent, catalog, schema, table, foreignCatalog, foreignSchema, foreignTable) {
          @Override
          public void runInternal() throws HiveSQLException {
            setState(OperationState.RUNNING);
            setState(OperationState.FINISHED);
          }
        };
    handleToOperation().put(made.getHandle(), made);
    return made;
  }
}
