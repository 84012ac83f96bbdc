package city.civiclake;

import java.io.IOException;
import java.net.URI;
import java.util.ServiceConfigurationError;
import java.util.Iterator;
import java.util.ServiceLoader;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FilterFileSystem;

/**
 * In place of every file system that the lake does not stand on: the server connects nowhere else,
 * whoever named the place and however it got past the guard.
 */
public final class NoFiles extends FilterFileSystem {
  private static final String LOCAL = "file";
  private static final String LAKE = "viewfs";

  @Override
  public void initialize(URI place, Configuration settings) throws IOException {
    throw new IOException("the scheme " + place.getScheme() + " is closed at the analysts' door");
  }

  /**
   * Close all schemes but those of the lake, by properties that a session made later reads.
   *
   * @param lake scheme of the store that the lake stands on
   */
  static void closeOthers(String lake) {
    for (String scheme : known()) {
      if (!List.of(LOCAL, LAKE, lake).contains(scheme)) {
        System.setProperty("spark.hadoop.fs." + scheme + ".impl", NoFiles.class.getName());
      }
    }
  }

  private static Set<String> known() {
    Set<String> found = new TreeSet<>();
    Iterator<FileSystem> all = ServiceLoader.load(FileSystem.class).iterator();
    while (all.hasNext()) {
      try {
        found.add(all.next().getScheme());
      } catch (ServiceConfigurationError | UnsupportedOperationException e) {
        continue; // what can't be loaded can't be asked
      }
    }
    return found;
  }
}
