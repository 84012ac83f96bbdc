package city.civiclake;

import java.lang.reflect.Field;
import java.util.function.UnaryOperator;
import org.apache.hive.service.auth.TSetIpAddressProcessor;
import org.apache.hive.service.cli.thrift.ThriftBinaryCLIService;
import org.apache.hive.service.rpc.thrift.TCLIService;
import org.apache.hive.service.server.HiveServer2;
import org.apache.thrift.TProcessor;
import org.apache.thrift.TProcessorFactory;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.server.ServerContext;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TServerEventHandler;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportException;
import org.apache.thrift.transport.TTransportFactory;

/**
 * Stands around the server's connections: each is known from its first byte to its last ({@link
 * Connection}), and every call of the protocol passes {@link OwnHandles}.
 *
 * <p>The server asks its factories anew for every connection, and has no setters for them. A
 * connection that was quicker than this class is unknown, and gets no login.
 */
final class Gate {
  private final TCLIService.Iface service;

  private Gate(TCLIService.Iface service) {
    this.service = service;
  }

  /** Around a server that has started and let nobody in yet. */
  static Gate install(HiveServer2 server) throws ReflectiveOperationException {
    ThriftBinaryCLIService thrift =
        server.getServices().stream()
            .filter(ThriftBinaryCLIService.class::isInstance)
            .map(ThriftBinaryCLIService.class::cast)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("the server has no Thrift service"));
    TServer inner = (TServer) field(ThriftBinaryCLIService.class, "server").get(thrift);
    Gate made = new Gate(thrift);
    TCLIService.Iface guarded = OwnHandles.around(thrift);
    change(inner, "processorFactory_", TProcessorFactory.class, old -> new Processors(guarded));
    change(inner, "inputTransportFactory_", TTransportFactory.class, Transports::new);
    change(inner, "eventHandler_", TServerEventHandler.class, Ends::new);
    return made;
  }

  /** Once a second. */
  void sweep() {
    Connection.sweep(service);
  }

  private static <T> void change(
      TServer server, String name, Class<T> kind, UnaryOperator<T> made)
      throws ReflectiveOperationException {
    Field field = field(TServer.class, name);
    field.set(server, made.apply(kind.cast(field.get(server))));
  }

  private static Field field(Class<?> kind, String name) throws ReflectiveOperationException {
    Field found = kind.getDeclaredField(name);
    found.setAccessible(true);
    return found;
  }

  /** The first thing that is asked for of a connection, on the thread that serves it. */
  private static final class Processors extends TProcessorFactory {
    private final TCLIService.Iface guarded;

    Processors(TCLIService.Iface guarded) {
      super(null);
      this.guarded = guarded;
    }

    @Override
    public TProcessor getProcessor(TTransport client) {
      Connection.open(((TSocket) client).getSocket());
      return new TSetIpAddressProcessor<TCLIService.Iface>(guarded);
    }
  }

  /** The login. */
  private static final class Transports extends TTransportFactory {
    private final TTransportFactory inner;

    Transports(TTransportFactory inner) {
      this.inner = inner;
    }

    @Override
    public TTransport getTransport(TTransport client) throws TTransportException {
      boolean done = false;
      try {
        TTransport made = inner.getTransport(client);
        done = true;
        return made;
      } finally {
        if (!done) {
          Connection.forget();
        }
      }
    }
  }

  /** The end of one that was let in. */
  private record Ends(TServerEventHandler inner) implements TServerEventHandler {
    @Override
    public void preServe() {
      inner.preServe();
    }

    @Override
    public ServerContext createContext(TProtocol in, TProtocol out) {
      return inner.createContext(in, out);
    }

    @Override
    public void deleteContext(ServerContext context, TProtocol in, TProtocol out) {
      try {
        inner.deleteContext(context, in, out);
      } finally {
        Connection.forget();
      }
    }

    @Override
    public void processContext(ServerContext context, TTransport in, TTransport out) {
      inner.processContext(context, in, out);
    }
  }
}
