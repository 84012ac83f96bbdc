package city.civiclake;

import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.scheduler.HealthTracker;
import org.apache.spark.scheduler.TaskDescription;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.TaskSet;
import org.apache.spark.scheduler.TaskSetManager;
import org.apache.spark.util.Clock;
import scala.Enumeration;
import scala.Option;
import scala.Tuple3;

/**
 * The tasks of one stage, of which so many run at once as their login has slots left.
 *
 * <p>A task that goes on though it was cancelled still counts: it is the login's own slot that it
 * holds. Work of no login (Delta reads its logs in threads of its own) is not counted.
 */
final class SharedTasks extends TaskSetManager {
  private static final Map<String, Set<SharedTasks>> BY_LOGIN = new ConcurrentHashMap<>();
  private static final String JOB_GROUP = "spark.jobGroup.id";

  private final String login;

  SharedTasks(
      TaskSchedulerImpl scheduler,
      TaskSet tasks,
      int failures,
      Option<HealthTracker> health,
      Clock clock) {
    super(scheduler, tasks, failures, health, clock);
    String group = tasks.properties() == null ? null : tasks.properties().getProperty(JOB_GROUP);
    login = Statements.loginOf(group);
    if (login != null) {
      BY_LOGIN.computeIfAbsent(login, name -> ConcurrentHashMap.newKeySet()).add(this);
    }
  }

  /** Called under the scheduler's lock. */
  @Override
  public Tuple3<Option<TaskDescription>, Object, Object> resourceOffer(
      String executor,
      String host,
      Enumeration.Value locality,
      int cores,
      scala.collection.immutable.Map<String, scala.collection.immutable.Map<String, Object>>
          resources) {
    if (login != null && running(login) >= Limits.tasks(login)) {
      return new Tuple3<>(Option.empty(), false, -1);
    }
    try {
      return super.resourceOffer(executor, host, locality, cores, resources);
    } catch (Exception error) { // Scala declares none
      return Refused
          .<Tuple3<Option<TaskDescription>, Object, Object>, RuntimeException>raise(error);
    }
  }

  private static long running(String login) {
    long found = 0;
    Iterator<SharedTasks> all = BY_LOGIN.get(login).iterator();
    while (all.hasNext()) {
      SharedTasks one = all.next();
      int running = one.runningTasks();
      if (running == 0 && one.isZombie()) {
        all.remove();
      }
      found += running;
    }
    return found;
  }
}
