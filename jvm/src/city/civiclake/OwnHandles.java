package city.civiclake;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hive.service.rpc.thrift.TCLIService;
import org.apache.hive.service.rpc.thrift.TCloseOperationReq;
import org.apache.hive.service.rpc.thrift.TCloseSessionReq;
import org.apache.hive.service.rpc.thrift.TGetInfoResp;
import org.apache.hive.service.rpc.thrift.TGetInfoValue;
import org.apache.hive.service.rpc.thrift.THandleIdentifier;
import org.apache.hive.service.rpc.thrift.TGetOperationStatusResp;
import org.apache.hive.service.rpc.thrift.TOpenSessionReq;
import org.apache.hive.service.rpc.thrift.TOperationHandle;
import org.apache.hive.service.rpc.thrift.TSessionHandle;
import org.apache.hive.service.rpc.thrift.TStatus;
import org.apache.hive.service.rpc.thrift.TStatusCode;

/**
 * Every call of the protocol, before and after the server answers it.
 *
 * <p>A handle works only on the connection that made it: Hive's own service takes any handle of
 * anybody who has seen one. A login that is no analyst's any more gets no further answer. And what
 * is told of a failure is one sentence, without the stack behind it and without places of the lake.
 */
final class OwnHandles implements InvocationHandler {
  private static final String SESSION = "getSessionHandle";
  private static final String OPERATION = "getOperationHandle";
  private static final String ROOT = System.getProperty("civiclake.root", "");
  private static final Map<String, Optional<Method>> GETTERS = new ConcurrentHashMap<>();

  private final TCLIService.Iface server;

  private OwnHandles(TCLIService.Iface server) {
    this.server = server;
  }

  static TCLIService.Iface around(TCLIService.Iface server) {
    Class<?>[] kinds = {TCLIService.Iface.class};
    ClassLoader loader = OwnHandles.class.getClassLoader();
    return (TCLIService.Iface) Proxy.newProxyInstance(loader, kinds, new OwnHandles(server));
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    Connection connection = Connection.current();
    Object request = arguments == null || arguments.length == 0 ? null : arguments[0];
    String why = why(connection, request);
    if (why != null) {
      return refused(method.getReturnType(), why);
    }
    Object answer;
    try {
      answer = method.invoke(server, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    note(connection, request, answer);
    hush(answer);
    return answer;
  }

  private static String why(Connection connection, Object request)
      throws ReflectiveOperationException {
    if (connection == null || !connection.isKnown()) {
      return "this login is no analyst's any more, or has another password";
    }
    if (request instanceof TOpenSessionReq && !connection.mayOpen()) {
      return "a connection has too many sessions: close some";
    }
    THandleIdentifier handle = handle(request);
    return handle == null || connection.owns(handle)
        ? null
        : "a session or operation that this connection did not open is refused";
  }

  private static void note(Connection connection, Object request, Object answer)
      throws ReflectiveOperationException {
    if (request instanceof TCloseSessionReq || request instanceof TCloseOperationReq) {
      connection.closed(handle(request));
    }
    if (get(answer, SESSION) instanceof TSessionHandle session) {
      connection.opened(session);
    }
    if (get(answer, OPERATION) instanceof TOperationHandle operation) {
      connection.began(operation.getOperationId());
    }
  }

  private static THandleIdentifier handle(Object request) throws ReflectiveOperationException {
    if (get(request, SESSION) instanceof TSessionHandle session) {
      return session.getSessionId();
    }
    return get(request, OPERATION) instanceof TOperationHandle operation
        ? operation.getOperationId()
        : null;
  }

  private static void hush(Object answer) throws ReflectiveOperationException {
    if (get(answer, "getStatus") instanceof TStatus status) {
      status.setInfoMessages(null);
      status.setErrorMessage(placeless(status.getErrorMessage()));
    }
    if (answer instanceof TGetOperationStatusResp operation) {
      operation.setErrorMessage(placeless(operation.getErrorMessage()));
    }
  }

  /** Where the installation stands is nobody's business. */
  private static String placeless(String said) {
    return said == null || ROOT.isEmpty() ? said : said.replace(ROOT, "...");
  }

  private static Object refused(Class<?> kind, String why) throws ReflectiveOperationException {
    Object answer = kind.getConstructor().newInstance();
    TStatus status = new TStatus(TStatusCode.ERROR_STATUS);
    status.setErrorMessage(why);
    status.setSqlState("42501");
    kind.getMethod("setStatus", TStatus.class).invoke(answer, status);
    if (answer instanceof TGetInfoResp info) {
      info.setInfoValue(TGetInfoValue.lenValue(0));
    }
    return answer;
  }

  private static Object get(Object of, String name) throws ReflectiveOperationException {
    if (of == null) {
      return null;
    }
    Optional<Method> getter =
        GETTERS.computeIfAbsent(of.getClass().getName() + "." + name, key -> find(of, name));
    return getter.isEmpty() ? null : getter.get().invoke(of);
  }

  private static Optional<Method> find(Object of, String name) {
    try {
      return Optional.of(of.getClass().getMethod(name));
    } catch (NoSuchMethodException e) {
      return Optional.empty();
    }
  }
}
