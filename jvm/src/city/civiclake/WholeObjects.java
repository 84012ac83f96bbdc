package city.civiclake;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.execution.streaming.checkpointing.CheckpointFileManager;
import org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager;

/**
 * Small files that appear whole, in an object store: by one put.
 *
 * <p>Delta writes the checksum beside every version by it. Spark's own way writes another file and
 * renames it, which a store does not know: it took fifteen requests for each commit.
 */
public final class WholeObjects extends FileSystemBasedCheckpointFileManager {
  public WholeObjects(Path path, Configuration conf) {
    super(path, conf);
  }

  @Override
  public CheckpointFileManager.CancellableFSDataOutputStream createAtomic(
      Path path, boolean overwriteIfPossible) {
    try {
      if (!fs().hasPathCapability(path, CommonPathCapabilities.ABORTABLE_STREAM)) {
        return super.createAtomic(path, overwriteIfPossible); // a disk
      }
      return new Whole(fs().create(path, true));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** An object is there when its stream is closed, and not before. */
  private static final class Whole extends CheckpointFileManager.CancellableFSDataOutputStream {
    private final FSDataOutputStream stream;

    Whole(FSDataOutputStream stream) {
      super(stream);
      this.stream = stream;
    }

    @Override
    public void cancel() {
      stream.abort();
    }
  }
}
