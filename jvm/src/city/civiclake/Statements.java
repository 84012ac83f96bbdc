package city.civiclake;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hive.service.cli.HiveSQLException;

/**
 * The statements that are open, by login: how many there may be, and how long each may work.
 *
 * <p>Whose statement works is also kept in a file, so that a door that is started again can tell
 * those whom its end interrupted.
 */
final class Statements {
  private static final Set<LimitedStatement> OPEN = ConcurrentHashMap.newKeySet();
  private static final Set<LimitedStatement> CANCELLED = ConcurrentHashMap.newKeySet();
  private static final Map<String, String> LOGINS = new ConcurrentHashMap<>();
  private static final Path FILE = Path.of(System.getProperty("civiclake.working", ""));
  private static final Set<String> INTERRUPTED = ConcurrentHashMap.newKeySet();
  private static final String NOTICE = System.getProperty("civiclake.notice", "");
  private static Set<String> written = Set.of();

  static {
    Arrays.stream(System.getProperty("civiclake.interrupted", "").split(","))
        .filter(name -> !name.isEmpty())
        .forEach(INTERRUPTED::add);
  }

  private Statements() {}

  /** Let a statement begin. */
  static void enter(LimitedStatement statement) throws HiveSQLException {
    String login = statement.login();
    if (INTERRUPTED.remove(login)) {
      throw new HiveSQLException(NOTICE, "57P01");
    }
    long most = Limits.queries(login);
    synchronized (OPEN) {
      long open = OPEN.stream().filter(one -> one.login().equals(login)).count();
      if (open >= most) {
        throw new HiveSQLException(
            login + " has " + open + " statements open, and may have " + most + " at once: fetch"
                + " their results to the end or close them, or ask the operator"
                + " (engine.limits.queries)", "53300");
      }
      OPEN.add(statement);
    }
    LOGINS.put(statement.statementId(), login);
    writeDown();
  }

  static void leave(LimitedStatement statement) {
    if (OPEN.remove(statement)) {
      writeDown();
    }
  }

  /** It is closed: no job of its can begin any more. */
  static void forget(LimitedStatement statement) {
    leave(statement);
    LOGINS.remove(statement.statementId());
  }

  /** Whose a job group is; null for work of the server's own. */
  static String loginOf(String group) {
    return group == null ? null : LOGINS.get(group);
  }

  /** Once a second. */
  static void tick(long passedMs) {
    for (LimitedStatement one : OPEN) {
      one.tick(passedMs);
    }
    CANCELLED.removeIf(one -> !one.cancelAgain());
  }

  /** It was ended or closed in the midst of its work. */
  static void keepCancelling(LimitedStatement statement) {
    CANCELLED.add(statement);
  }

  /** End all that work now. */
  static void endAll(String sentence) {
    for (LimitedStatement one : OPEN) {
      if (one.works()) {
        one.end(sentence);
      }
    }
  }

  private static synchronized void writeDown() {
    Set<String> now = new TreeSet<>();
    OPEN.forEach(one -> now.add(one.login()));
    if (now.equals(written)) {
      return;
    }
    try {
      Path fresh = FILE.resolveSibling(FILE.getFileName() + ".new");
      Files.writeString(fresh, String.join("\n", now));
      Files.move(fresh, FILE, StandardCopyOption.ATOMIC_MOVE);
      written = now;
    } catch (IOException e) {
      // Nobody can be told then; their queries matter more.
    }
  }
}
