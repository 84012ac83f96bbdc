package city.civiclake;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Set;
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
  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    File file = pathToFile(path);
    if (permission.getStickyBit()) {
      super.setPermission(path, permission);
    } else {
      Files.setPosixFilePermissions(file.toPath(), permissions(permission.toShort()));
    }
  }

  @Override
  public FileStatus getFileLinkStatus(Path path) throws IOException {
    return Files.isSymbolicLink(pathToFile(path).toPath())
        ? super.getFileLinkStatus(path)
        : getFileStatus(path);
  }

  /** The values of the enumeration stand in the order of the bits, from the owner's read on. */
  private static Set<PosixFilePermission> permissions(short bits) {
    Set<PosixFilePermission> made = EnumSet.noneOf(PosixFilePermission.class);
    PosixFilePermission[] all = PosixFilePermission.values();
    for (int i = 0; i < all.length; i++) {
      if ((bits & (1 << (all.length - 1 - i))) != 0) {
        made.add(all[i]);
      }
    }
    return made;
  }
}
