package city.civiclake;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;
import org.apache.hadoop.fs.FsServerDefaults;
import org.apache.hadoop.fs.local.LocalConfigKeys;

/** {@link LocalFiles} for Hadoop's other interface, by which Delta commits. */
public final class LocalFilesContext extends DelegateToFileSystem {
  public LocalFilesContext(URI uri, Configuration settings) throws IOException, URISyntaxException {
    super(uri, new PlainFiles(), settings, "file", false);
  }

  @Override
  public int getUriDefaultPort() {
    return -1;
  }

  @Override
  @Deprecated
  public FsServerDefaults getServerDefaults() throws IOException {
    return LocalConfigKeys.getServerDefaults();
  }

  @Override
  public boolean isValidName(String name) {
    // A local file may have any name, with colons too.
    return true;
  }
}
