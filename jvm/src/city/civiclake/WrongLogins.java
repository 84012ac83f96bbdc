package city.civiclake;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Wrong passwords cost time: twice as much each time, up to a bound that leaves everybody else of
 * the address able to work. Counted by address and by name, and forgotten after a while.
 *
 * <p>The fifth of an address or a name is told to the operator, and every hundredth:
 * {@code civiclake}'s watch makes an alert of each line of the log with {@link #MARK}.
 */
final class WrongLogins {
  private static final Logger LOG = LogManager.getLogger(WrongLogins.class);
  private static final String MARK = "CIVICLAKE_ALERT ";
  private static final long FIRST_MS = Long.getLong("civiclake.gate.delay_first_ms", 250);
  private static final long MOST_MS = Long.getLong("civiclake.gate.delay_most_ms", 4000);
  private static final long FORGOTTEN_NS = 600_000_000_000L;
  private static final int TOLD_FIRST = 5;
  private static final int TOLD_EVERY = 100;
  private static final int KEPT = 10_000;

  /** The latest last; an attacker with many names pushes out the oldest. */
  private static final Map<String, Count> COUNTS =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Count> eldest) {
          return size() > KEPT;
        }
      };

  private record Count(int wrong, long at) {}

  private WrongLogins() {}

  /** Before a password is looked at, right or wrong: hanging up early must tell nothing. */
  static void delay(String user, String address) {
    long wait = Math.max(delayMs(count(user(user))), delayMs(count(address(address))));
    try {
      Thread.sleep(wait);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static void wrong(String user, String address) {
    String name = Refused.oneLine(String.valueOf(user));
    int ofName = more(user(user));
    int ofAddress = more(address(address));
    LOG.info("login refused: {} from {} (wrong ones of late: {} of the address, {} of the name)",
        name, address, ofAddress, ofName);
    if (isTold(ofAddress) || isTold(ofName)) {
      LOG.warn("{}wrong logins at the analysts' door: {} from {}, {} as {}",
          MARK, ofAddress, address, ofName, name);
    }
  }

  /** The address stays suspect: its wrong ones were perhaps for other names. */
  static void right(String user) {
    synchronized (COUNTS) {
      COUNTS.remove(user(user));
    }
  }

  private static String user(String name) {
    return "user " + Refused.oneLine(String.valueOf(name));
  }

  private static String address(String name) {
    return "address " + name;
  }

  private static int count(String key) {
    synchronized (COUNTS) {
      Count found = COUNTS.get(key);
      boolean old = found == null || System.nanoTime() - found.at() > FORGOTTEN_NS;
      return old ? 0 : found.wrong();
    }
  }

  private static int more(String key) {
    synchronized (COUNTS) {
      int now = count(key) + 1;
      COUNTS.remove(key);
      COUNTS.put(key, new Count(now, System.nanoTime()));
      return now;
    }
  }

  private static boolean isTold(int wrong) {
    return wrong == TOLD_FIRST || wrong % TOLD_EVERY == 0;
  }

  private static long delayMs(int wrong) {
    return wrong == 0 ? 0 : Math.min(MOST_MS, FIRST_MS << Math.min(wrong - 1, 20));
  }
}
