package city.civiclake;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;

/**
 * Delta's log on S3, for as many writers as there are: a version is made by a request that the store
 * refuses where there is one already (If-None-Match).
 *
 * <p>Delta's own store for S3 asks first and writes then, which is safe within one JVM. Here each
 * version carries a token of its writer: a request whose answer was lost is sent again and refused,
 * and only the token tells whether it was refused for what it did itself.
 */
public final class ConditionalLogStore extends HadoopFileSystemLogStore {
  private static final String TOKEN = "civiclake-token";

  public ConditionalLogStore(Configuration conf) {
    super(conf);
  }

  @Override
  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration conf)
      throws IOException {
    FileSystem files = path.getFileSystem(conf);
    byte[] text = text(actions);
    if (overwrite) {
      try (FSDataOutputStream out = files.create(path, true)) {
        out.write(text);
      }
      return;
    }
    String token = UUID.randomUUID().toString();
    try {
      create(files, path, text, token);
    } catch (IOException refusedOrUnknown) {
      settle(files, path, token, refusedOrUnknown);
    }
  }

  private static void create(FileSystem files, Path path, byte[] text, String token)
      throws IOException {
    // "must": a file system that knows no such condition refuses the option, and writes nothing.
    FSDataOutputStreamBuilder<?, ?> wanted = files.createFile(path).create().overwrite(true);
    wanted.must(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE, true);
    wanted.must("fs.s3a.create.performance", true);
    wanted.must("fs.s3a.create.header." + TOKEN, token);
    FSDataOutputStream out = (FSDataOutputStream) wanted.build();
    try (out) {
      out.write(text);
    }
  }

  /** Returns where the version is ours after all; else throws what became of it. */
  private static void settle(FileSystem files, Path path, String token, IOException told)
      throws IOException {
    byte[] found;
    try {
      found = files.getXAttr(path, "header." + TOKEN);
    } catch (FileNotFoundException nothingThere) {
      throw told; // not written, and not refused either
    } catch (IOException unknown) {
      told.addSuppressed(unknown);
      throw told;
    }
    if (found != null && token.equals(new String(found, StandardCharsets.UTF_8))) {
      return;
    }
    FileAlreadyExistsException lost = new FileAlreadyExistsException(path.toString());
    lost.initCause(told);
    throw lost;
  }

  private static byte[] text(Iterator<String> actions) {
    StringBuilder text = new StringBuilder();
    actions.forEachRemaining(action -> text.append(action).append('\n'));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** An object appears whole. */
  @Override
  public Boolean isPartialWriteVisible(Path path, Configuration conf) {
    return false;
  }
}
