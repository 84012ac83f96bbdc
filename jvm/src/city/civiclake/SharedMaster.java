package city.civiclake;

import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.ExternalClusterManager;
import org.apache.spark.scheduler.SchedulerBackend;
import org.apache.spark.scheduler.TaskScheduler;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.TaskSet;
import org.apache.spark.scheduler.TaskSetManager;
import org.apache.spark.scheduler.local.LocalSchedulerBackend;
import org.apache.spark.util.Clock;
import org.apache.spark.util.SystemClock;
import scala.Option;

/**
 * The master {@code local[shared,<slots>]}: Spark's own local one, whose slots no login gets all of.
 *
 * <p>Spark's fair scheduling shares slots out as they become free, and a task is never made to give
 * its own up: a cross join holds every slot of {@code local[n]} for as long as it runs. Here there
 * are many more slots than a login may hold ({@link SharedTasks}); an idle slot costs nothing.
 */
public final class SharedMaster implements ExternalClusterManager {
  private static final String BEFORE = "local[shared,";

  @Override
  public boolean canCreate(String url) {
    return url.startsWith(BEFORE) && url.endsWith("]");
  }

  @Override
  public TaskScheduler createTaskScheduler(SparkContext context, String url) {
    Clock clock = new SystemClock();
    return new TaskSchedulerImpl(context, 1, true, clock) {
      @Override
      public TaskSetManager createTaskSetManager(TaskSet tasks, int failures) {
        return new SharedTasks(this, tasks, failures, Option.empty(), clock);
      }
    };
  }

  @Override
  public SchedulerBackend createSchedulerBackend(
      SparkContext context, String url, TaskScheduler scheduler) {
    int slots = Integer.parseInt(url.substring(BEFORE.length(), url.length() - 1).trim());
    return new LocalSchedulerBackend(context.getConf(), (TaskSchedulerImpl) scheduler, slots);
  }

  @Override
  public void initialize(TaskScheduler scheduler, SchedulerBackend backend) {
    ((TaskSchedulerImpl) scheduler).initialize(backend);
  }
}
