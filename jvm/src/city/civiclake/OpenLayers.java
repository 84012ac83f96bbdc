package city.civiclake;

import java.util.List;
import org.apache.hadoop.fs.Path;

/** The two layers of the lake that analysts may read. */
final class OpenLayers {
  static final List<String> NAMES = List.of("unified", "marts");

  private OpenLayers() {}

  /** Root of the lake; a property of the process, which no session can change. */
  static Path lake() {
    String found = System.getProperty("civiclake.lake");
    if (found == null) {
      throw new IllegalStateException("the property civiclake.lake is not set");
    }
    return new Path(found);
  }

  static Path folder(String layer) {
    return new Path(lake(), layer);
  }

  /** Whether that place is a table's folder in an open layer; Hadoop's Path has no ".." left. */
  static boolean holds(Path path) {
    return NAMES.stream().anyMatch(layer -> plain(folder(layer)).equals(plain(path.getParent())));
  }

  /** "file:/x" and "/x" are one place. */
  private static String plain(Path path) {
    if (path == null) {
      return "";
    }
    String text = path.toUri().normalize().toString();
    return text.startsWith("file:") ? text.replaceFirst("^file:/*", "/") : text;
  }
}
