package city.civiclake;

import java.util.List;
import java.util.Locale;
import org.apache.hadoop.fs.Path;

/** The two layers of the lake that analysts may read. */
final class OpenLayers {
  static final List<String> NAMES = List.of("unified", "marts");

  /** Who is who tells more than single tables do: closed until rights per login exist. */
  private static final String LINKS = "_link";

  /** Root of the lake; read once, when the server starts. */
  static final Path LAKE = new Path(required("civiclake.lake"));

  private OpenLayers() {}

  private static String required(String property) {
    String found = System.getProperty(property);
    if (found == null) {
      throw new IllegalStateException("the property " + property + " is not set");
    }
    return found;
  }

  static Path folder(String layer) {
    return new Path(LAKE, layer);
  }

  /** Whether that place is a table's folder in an open layer; Hadoop's Path has no ".." left. */
  static boolean holds(Path path) {
    return isOpen(path.getName())
        && NAMES.stream().anyMatch(layer -> plain(folder(layer)).equals(plain(path.getParent())));
  }

  /** Whether a table of that name is one for analysts. */
  static boolean isOpen(String table) {
    return !table.toLowerCase(Locale.ROOT).endsWith(LINKS);
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
