package city.civiclake;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * Local files, asked and changed through Java itself.
 *
 * <p>Without its native library Hadoop starts <code>chmod</code> for every file it makes and <code>
 * readlink</code> twice for every commit of a Delta table: 167 processes for one small batch.
 */
public final class PlainFiles extends RawLocalFileSystem {
  /** What is made in a folder with this bit belongs to its group, by which the door reads. */
  private static final int OF_THE_GROUP = 02000;

  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    File file = pathToFile(path);
    if (permission.getStickyBit()) {
      super.setPermission(path, permission);
    } else {
      int kept = (int) Files.getAttribute(file.toPath(), "unix:mode") & OF_THE_GROUP;
      Files.setAttribute(file.toPath(), "unix:mode", kept | permission.toShort());
    }
  }

  @Override
  public FileStatus getFileLinkStatus(Path path) throws IOException {
    return Files.isSymbolicLink(pathToFile(path).toPath())
        ? super.getFileLinkStatus(path)
        : getFileStatus(path);
  }
}
