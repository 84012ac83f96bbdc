package city.civiclake;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Looks after the server from inside: statements within their time, memory, and tasks that go on
 * though nobody waits for them any more.
 *
 * <p>Java can't stop a thread that does not ask whether it should: such a task ends with the process,
 * which {@code civiclake}'s watch starts again. The reason is the log's last line.
 */
final class DoorWatch extends SparkListener {
  private static final Logger LOG = LogManager.getLogger(DoorWatch.class);
  private static final double FULL = 0.9;
  private static final long PATIENCE_MS = 10_000;

  /** Of which the watch reads the reason in the log. */
  private static final String MARK = "CIVICLAKE_ENDS ";

  private final Map<Integer, Set<Integer>> jobsOfStage = new ConcurrentHashMap<>();
  private final Map<Integer, Set<Integer>> stagesOfJob = new ConcurrentHashMap<>();
  private final Map<Long, Integer> stageOfTask = new ConcurrentHashMap<>();
  private final Map<Long, Long> leftAt = new ConcurrentHashMap<>();
  private long fullSince;

  /** End the process at once: nothing in it can be relied on to end in order. */
  static void halt(String reason) {
    LOG.fatal("{}{}", MARK, reason);
    Runtime.getRuntime().halt(70);
  }

  void start() {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, error) -> {
          if (error instanceof OutOfMemoryError) {
            halt("it ran out of memory");
          }
          LOG.error("{} ended", thread.getName(), error);
        });
    Thread watching = new Thread(this::watch, "door-watch");
    watching.setDaemon(true);
    watching.start();
  }

  private void watch() {
    long before = System.nanoTime();
    while (true) {
      try {
        Thread.sleep(1000);
        long now = System.nanoTime();
        Statements.tick((now - before) / 1_000_000);
        before = now;
        lookAtTasks(now / 1_000_000);
        lookAtMemory(now / 1_000_000);
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOG.error("the door's watch goes on", e);
      }
    }
  }

  private void lookAtTasks(long nowMs) {
    for (Map.Entry<Long, Integer> running : stageOfTask.entrySet()) {
      if (jobsOfStage.containsKey(running.getValue())) {
        leftAt.remove(running.getKey());
        continue;
      }
      long since = leftAt.computeIfAbsent(running.getKey(), task -> nowMs);
      long most = Limits.survivorSeconds();
      if (nowMs - since > most * 1000) {
        halt("a cancelled query went on for more than " + most + " s");
      }
    }
  }

  /** After a collection the old generation is still full: first the queries go, then the door. */
  private void lookAtMemory(long nowMs) {
    if (!isFull()) {
      fullSince = 0;
    } else if (fullSince == 0) {
      fullSince = nowMs;
      Statements.endAll(
          "the analysts' door ran short of memory, so what was under way is ended: ask for less at"
              + " once");
      System.gc();
    } else if (nowMs - fullSince > PATIENCE_MS) {
      halt("it ran out of memory");
    }
  }

  private static boolean isFull() {
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      MemoryUsage left = pool.getType() == MemoryType.HEAP ? pool.getCollectionUsage() : null;
      boolean old = pool.getName().contains("Old");
      if (old && left != null && left.getMax() > 0 && left.getUsed() > FULL * left.getMax()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void onJobStart(SparkListenerJobStart event) {
    Set<Integer> stages = ConcurrentHashMap.newKeySet();
    for (Object stage : CollectionConverters.asJava(event.stageIds())) {
      stages.add((Integer) stage);
      jobsOfStage
          .computeIfAbsent((Integer) stage, id -> ConcurrentHashMap.newKeySet())
          .add(event.jobId());
    }
    stagesOfJob.put(event.jobId(), stages);
  }

  @Override
  public void onJobEnd(SparkListenerJobEnd event) {
    Set<Integer> stages = stagesOfJob.remove(event.jobId());
    for (Integer stage : stages == null ? Set.<Integer>of() : stages) {
      jobsOfStage.computeIfPresent(
          stage,
          (id, jobs) -> {
            jobs.remove(event.jobId());
            return jobs.isEmpty() ? null : jobs;
          });
    }
  }

  @Override
  public void onTaskStart(SparkListenerTaskStart event) {
    stageOfTask.put(event.taskInfo().taskId(), event.stageId());
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd event) {
    stageOfTask.remove(event.taskInfo().taskId());
    leftAt.remove(event.taskInfo().taskId());
  }
}
