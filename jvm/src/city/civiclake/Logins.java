package city.civiclake;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The file of analysts, one a line: {@code name:iterations:salt:hash}. It is replaced as a whole, so
 * another file under its name is another list; what can't be read lets nobody in.
 */
final class Logins {
  private static final Path FILE = Path.of(System.getProperty("civiclake.analysts", ""));
  private static List<Object> stamp = List.of();
  private static Map<String, String> known = Map.of();

  private Logins() {}

  /** The line of an analyst, or null. */
  static synchronized String entry(String name) {
    try {
      BasicFileAttributes now = Files.readAttributes(FILE, BasicFileAttributes.class);
      List<Object> found = List.of(now.lastModifiedTime(), now.size(), String.valueOf(now.fileKey()));
      if (!found.equals(stamp)) {
        Map<String, String> read = new HashMap<>();
        for (String line : Files.readAllLines(FILE, StandardCharsets.UTF_8)) {
          String[] fields = line.split(":");
          if (fields.length == 4) {
            read.put(fields[0], line);
          }
        }
        known = read;
        stamp = found;
      }
    } catch (IOException e) {
      known = Map.of();
      stamp = List.of();
    }
    return known.get(name);
  }
}
