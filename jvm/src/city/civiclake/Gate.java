package city.civiclake;

import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.hive.service.auth.TSetIpAddressProcessor;
import org.apache.hive.service.cli.thrift.ThriftBinaryCLIService;
import org.apache.hive.service.rpc.thrift.TCLIService;
import org.apache.hive.service.server.HiveServer2;
import org.apache.thrift.TProcessor;
import org.apache.thrift.TProcessorFactory;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.protocol.TProtocolFactory;
import org.apache.thrift.server.ServerContext;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TServerEventHandler;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportException;
import org.apache.thrift.transport.TTransportFactory;

/**
 * Stands around the server's connections: each is known from its first byte to its last ({@link
 * Connection}), and every call of the protocol passes {@link OwnHandles}.
 *
 * <p>Hive's service has no way to be given other parts: it starts at a port that the system picks,
 * where nobody gets a login, and its parts go on in a server of ours at the port that people know.
 * So that one answers only when all is ready.
 */
final class Gate {
  private static final int THREADS = 500;

  private final TCLIService.Iface service;

  private Gate(TCLIService.Iface service) {
    this.service = service;
  }

  /** Around a server that has started and let nobody in yet. */
  static Gate install(HiveServer2 server)
      throws ReflectiveOperationException, TTransportException {
    ThriftBinaryCLIService thrift =
        server.getServices().stream()
            .filter(ThriftBinaryCLIService.class::isInstance)
            .map(ThriftBinaryCLIService.class::cast)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("the server has no Thrift service"));
    Field field = field(ThriftBinaryCLIService.class, "server");
    TServer inner = (TServer) field.get(thrift);
    TServer outer = around(inner, OwnHandles.around(thrift));
    field.set(thrift, outer);
    inner.stop();
    new Thread(outer::serve, "gate").start();
    return new Gate(thrift);
  }

  /** A server like that one, at the door's own port. */
  private static TServer around(TServer inner, TCLIService.Iface guarded)
      throws ReflectiveOperationException, TTransportException {
    InetSocketAddress place =
        new InetSocketAddress(
            System.getProperty("civiclake.host"), Integer.getInteger("civiclake.port"));
    TThreadPoolServer.Args parts =
        new TThreadPoolServer.Args(new TServerSocket(place))
            .processorFactory(new Processors(guarded))
            .inputTransportFactory(new Transports(PlainLogin.transports()))
            .outputTransportFactory(new Known())
            .inputProtocolFactory(part(inner, "inputProtocolFactory_", TProtocolFactory.class))
            .outputProtocolFactory(part(inner, "outputProtocolFactory_", TProtocolFactory.class))
            .executorService(
                new ThreadPoolExecutor(
                    0, THREADS, 60, TimeUnit.SECONDS, new SynchronousQueue<>()));
    TServer made = new TThreadPoolServer(parts);
    made.setServerEventHandler(new Ends(part(inner, "eventHandler_", TServerEventHandler.class)));
    return made;
  }

  /** Once a second. */
  void sweep() {
    Connection.sweep(service);
  }

  private static <T> T part(TServer server, String name, Class<T> kind)
      throws ReflectiveOperationException {
    return kind.cast(field(TServer.class, name).get(server));
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
        CarefulSocket socket = new CarefulSocket((TSocket) client);
        TTransport made = inner.getTransport(socket);
        socket.isIn();
        Connection.current().keep(made);
        done = true;
        return made;
      } finally {
        if (!done) {
          Connection.forget();
        }
      }
    }
  }

  /** What the login led to is written to as well. */
  private static final class Known extends TTransportFactory {
    @Override
    public TTransport getTransport(TTransport client) {
      return Connection.current().transport();
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
