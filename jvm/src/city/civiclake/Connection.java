package city.civiclake;

import java.io.IOException;
import java.net.Socket;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hive.service.rpc.thrift.TCLIService;
import org.apache.hive.service.rpc.thrift.TCloseSessionReq;
import org.apache.hive.service.rpc.thrift.THandleIdentifier;
import org.apache.hive.service.rpc.thrift.TSessionHandle;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.thrift.TException;
import org.apache.thrift.transport.TTransport;

/**
 * One connection of the analysts' server, from its first byte on: who it is, and what it opened.
 *
 * <p>The server has a thread for each, so the connection of a call is the one of its thread.
 */
final class Connection {
  private static final Logger LOG = LogManager.getLogger(Connection.class);
  private static final ThreadLocal<Connection> CURRENT = new ThreadLocal<>();
  private static final Set<Connection> ALL = ConcurrentHashMap.newKeySet();
  private static final long LOGIN_NS = Long.getLong("civiclake.gate.login_seconds", 10) * 1_000_000_000L;
  private static final int WAITING = Integer.getInteger("civiclake.gate.waiting_by_address", 32);
  private static final int BY_LOGIN = Integer.getInteger("civiclake.gate.connections_by_login", 32);

  /** Clients open one; each costs memory for as long as it stays. */
  private static final int SESSIONS = 8;

  private final Socket socket;
  private final long since = System.nanoTime();
  private final Map<THandleIdentifier, TSessionHandle> sessions = new ConcurrentHashMap<>();
  private final Set<THandleIdentifier> operations = ConcurrentHashMap.newKeySet();
  private TTransport transport;
  private volatile boolean spoken;
  private volatile String login;
  private volatile String entry;

  private Connection(Socket socket) {
    this.socket = socket;
  }

  /**
   * A new connection, by the thread that serves it. Where too many of one address have not logged
   * in yet, the oldest goes that has said nothing so far, then the oldest of all: whoever has a
   * password speaks at once, needs a second, and finds a place in any flood.
   */
  static void open(Socket socket) {
    Connection made = new Connection(socket);
    CURRENT.set(made);
    ALL.add(made);
    List<Connection> waiting =
        ALL.stream()
            .filter(one -> one.login == null && one.address().equals(made.address()))
            .sorted(Comparator.comparingLong(one -> one.since))
            .toList();
    // Asked once of each: what it answers changes meanwhile.
    Map<Boolean, List<Connection>> bySpeech =
        waiting.stream().collect(Collectors.partitioningBy(one -> one == made || one.hasSpoken()));
    Stream.of(bySpeech.get(false), bySpeech.get(true))
        .flatMap(List::stream)
        .limit(Math.max(0, waiting.size() - WAITING))
        .forEach(Connection::hangUp);
  }

  /** The connection that this thread serves; null for the server's own threads. */
  static Connection current() {
    return CURRENT.get();
  }

  /** This thread's connection is over. */
  static void forget() {
    Connection over = CURRENT.get();
    if (over != null) {
      ALL.remove(over);
      over.hangUp();
      CURRENT.remove();
    }
  }

  /** This thread's connection has sent its first bytes. */
  static void speaks() {
    Connection here = CURRENT.get();
    if (here != null) {
      here.spoken = true;
    }
  }

  /** Once a second: whoever did not log in goes, and whoever is no analyst any more. */
  static void sweep(TCLIService.Iface server) {
    for (Connection one : ALL) {
      if (one.login == null) {
        if (System.nanoTime() - one.since > LOGIN_NS) {
          one.hangUp();
        }
      } else if (!one.isKnown()) {
        LOG.info("{} from {} is no analyst any more, or has another password: the session ends",
            one.login, one.address());
        ALL.remove(one);
        Thread ending = new Thread(() -> one.end(server), "ends-" + one.login);
        ending.setDaemon(true); // a statement under way may take its time
        ending.start();
      }
    }
  }

  /** Let somebody in whose password was right; false where one login has too many connections. */
  boolean enter(String name, String line) {
    synchronized (ALL) {
      long same = ALL.stream().filter(one -> name.equals(one.login)).count();
      if (same >= BY_LOGIN) {
        return false;
      }
      entry = line;
      login = name;
      return true;
    }
  }

  String address() {
    return socket.getInetAddress() == null ? "nowhere" : socket.getInetAddress().getHostAddress();
  }

  /** Whether the login is as it was when it was let in. */
  boolean isKnown() {
    return entry != null && entry.equals(Logins.entry(login));
  }

  void keep(TTransport made) {
    transport = made;
  }

  TTransport transport() {
    return transport;
  }

  boolean mayOpen() {
    return sessions.size() < SESSIONS;
  }

  void opened(TSessionHandle session) {
    sessions.put(session.getSessionId().deepCopy(), session.deepCopy());
  }

  void began(THandleIdentifier operation) {
    operations.add(operation.deepCopy());
  }

  void closed(THandleIdentifier one) {
    sessions.remove(one);
    operations.remove(one);
    if (sessions.isEmpty()) {
      operations.clear(); // they ended with their sessions
    }
  }

  /** Whether this connection opened it. */
  boolean owns(THandleIdentifier one) {
    return sessions.containsKey(one) || operations.contains(one);
  }

  private void end(TCLIService.Iface server) {
    hangUp();
    for (TSessionHandle session : sessions.values()) {
      try {
        server.CloseSession(new TCloseSessionReq(session));
      } catch (TException e) {
        LOG.info("a session of {} could not be closed: {}", login, Refused.oneLine(e.toString()));
      }
    }
  }

  /** Whether it has sent anything, though its thread may not have come to read it. */
  private boolean hasSpoken() {
    try {
      return spoken || socket.getInputStream().available() > 0;
    } catch (IOException e) {
      return false; // it is closed
    }
  }

  private void hangUp() {
    try {
      socket.close();
    } catch (IOException e) {
      LOG.debug("closed already", e);
    }
  }
}
