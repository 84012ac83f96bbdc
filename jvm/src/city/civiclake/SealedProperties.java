package city.civiclake;

import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * The process's properties, closed to JDBC clients.
 *
 * <p>Hive lets a client that logs in set any of them ({@code set:system:<name>}); this server's
 * are set by whoever starts it. Everybody else in the process writes to them as before.
 */
final class SealedProperties extends Properties {
  private static final long serialVersionUID = 1L;
  private static final String CLIENTS = "org.apache.hive.service.";

  private SealedProperties(Properties found) {
    putAll(found);
  }

  /** Seal them, and tell what they were. */
  static Map<String, String> seal() {
    Map<String, String> before = new TreeMap<>();
    Properties found = System.getProperties();
    found.stringPropertyNames().forEach(name -> before.put(name, found.getProperty(name)));
    System.setProperties(new SealedProperties(found));
    return before;
  }

  @Override
  public synchronized Object setProperty(String name, String value) {
    boolean client =
        StackWalker.getInstance()
            .walk(frames -> frames.skip(1).findFirst())
            .filter(caller -> caller.getClassName().startsWith(CLIENTS))
            .isPresent();
    if (client) {
      throw new SecurityException("setting the property " + name + " of the server is refused");
    }
    return super.setProperty(name, value);
  }
}
