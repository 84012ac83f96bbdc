package city.civiclake;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Properties;

/**
 * How much one login may ask of the door, by a file of settings: {@code rows=1000000} for everybody,
 * {@code ana.rows=5000000} for one. The file is read again when it has changed.
 */
final class Limits {
  private static final Path FILE = Path.of(System.getProperty("civiclake.limits", ""));
  private static Properties known = new Properties();
  private static FileTime readAt = FileTime.fromMillis(0);

  private Limits() {}

  /** Seconds that a statement may work, its fetches included. */
  static long seconds(String login) {
    return of(login, "seconds", 1800);
  }

  /** Rows of one result. */
  static long rows(String login) {
    return of(login, "rows", 5_000_000);
  }

  /** Bytes of one result, as they travel. */
  static long bytes(String login) {
    return of(login, "megabytes", 2048) << 20;
  }

  /** Statements whose results were not fetched to their end. */
  static long queries(String login) {
    return of(login, "queries", 8);
  }

  /** Tasks that run at once. */
  static long tasks(String login) {
    return of(login, "tasks", 2);
  }

  /** Rows that one fetch brings at most, whatever the client asks for. */
  static long fetchRows() {
    return of("", "fetch_rows", 10_000);
  }

  /** Seconds that a task may go on after its statement has ended. */
  static long survivorSeconds() {
    return of("", "survivor_seconds", 20);
  }

  private static synchronized long of(String login, String name, long otherwise) {
    refresh();
    String found = known.getProperty(login + "." + name, known.getProperty(name));
    return found == null ? otherwise : Long.parseLong(found.trim());
  }

  private static void refresh() {
    try {
      FileTime changed = Files.getLastModifiedTime(FILE);
      if (changed.equals(readAt)) {
        return;
      }
      Properties read = new Properties();
      try (Reader reader = Files.newBufferedReader(FILE, StandardCharsets.UTF_8)) {
        read.load(reader);
      }
      known = read;
      readAt = changed;
    } catch (IOException e) {
      // As it was: a file that is being replaced, or a door that was started without one.
    }
  }
}
