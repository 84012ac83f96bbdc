package city.civiclake;

import org.apache.hadoop.fs.LocalFileSystem;

/**
 * Hadoop's local file system without a process for each file; see {@link PlainFiles}.
 *
 * <p>It writes no checksum files beside the others: Parquet and Delta keep their own, and in an
 * object store there are none either.
 */
public final class LocalFiles extends LocalFileSystem {
  public LocalFiles() {
    super(new PlainFiles());
    setWriteChecksum(false);
    setVerifyChecksum(false);
  }
}
