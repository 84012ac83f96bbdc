import city.civiclake.ConditionalLogStore;
import java.nio.file.FileAlreadyExistsException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Writers of one log, each a thread: they tell which versions they made, and which they gave up. */
public final class LogWriters {
  public static void main(String[] given) throws Exception {
    Configuration conf = new Configuration();
    for (int at = 4; at < given.length; at++) {
      String[] option = given[at].split("=", 2);
      conf.set(option[0], option[1]);
    }
    Path log = new Path(given[0]);
    int writers = Integer.parseInt(given[2]);
    Thread[] all = new Thread[writers];
    for (int n = 0; n < writers; n++) {
      String name = given[1] + n;
      all[n] = new Thread(() -> write(log, name, Integer.parseInt(given[3]), conf));
      all[n].start();
    }
    for (Thread writer : all) {
      writer.join();
    }
  }

  private static void write(Path log, String name, int commits, Configuration conf) {
    ConditionalLogStore store = new ConditionalLogStore(conf);
    long version = 0;
    for (int made = 0; made < commits; version++) {
      Path path = new Path(log, String.format("%020d.json", version));
      String line = "{\"commitInfo\":{\"by\":\"" + name + "-" + made + "\"}}";
      try {
        store.write(path, List.of(line).iterator(), false, conf);
        System.out.println("made " + version + " " + name + "-" + made);
        made++;
      } catch (FileAlreadyExistsException lost) {
        continue;
      } catch (Exception unknown) {
        System.out.println("unknown " + version + " " + name + "-" + made + " " + unknown);
        made++;
      }
    }
  }
}
