package city.civiclake;

import java.util.Map;
import org.apache.hive.service.cli.FetchOrientation;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.OperationState;
import org.apache.hive.service.cli.session.HiveSession;
import org.apache.hive.service.rpc.thrift.TRowSet;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.hive.thriftserver.SparkExecuteStatementOperation;

/**
 * One statement of an analyst, within the limits of the login.
 *
 * <p>A result is computed while it is fetched, partition by partition, so Spark's own time limit,
 * which ends with the execution, does not see most of the work. Here the clock runs whenever the
 * server works for the statement, and stands still while the client takes its time.
 */
final class LimitedStatement extends SparkExecuteStatementOperation {
  /** What one fetch should bring; the first ones are small, for nobody knows how wide a row is. */
  private static final long FETCH_BYTES = 8 << 20;
  private static final long FIRST_ROWS = 16;
  private static final long GROWTH = 8;

  private static final Logger LOG = LogManager.getLogger("city.civiclake.Limits");

  private final String login;
  private final boolean inBackground;
  private volatile boolean running;
  private volatile boolean fetching;
  private int cancels = 120;
  private volatile String ended;
  private long workedMs;
  private long rows;
  private long bytes;
  private long slice = FIRST_ROWS;

  LimitedStatement(
      SparkSession session,
      HiveSession parent,
      String statement,
      Map<String, String> overlay,
      boolean inBackground) {
    super(session, parent, statement, overlay, inBackground, 0);
    this.login = parent.getUserName();
    this.inBackground = inBackground;
  }

  String login() {
    return login;
  }

  /** Whether the server works for it right now. */
  boolean works() {
    return fetching || !getStatus().getState().isTerminal();
  }

  @Override
  public void runInternal() {
    try {
      Statements.enter(this);
    } catch (HiveSQLException refused) {
      Refused.raise(refused);
    }
    running = true;
    try {
      super.runInternal();
    } catch (Throwable error) {
      Statements.leave(this);
      raise(error);
    } finally {
      running = false;
    }
    if (!inBackground && ended != null) {
      raise(null);
    }
    leaveIfNothingCanBeFetched();
  }

  /** {@code USE} and the like; clients do not close these. */
  private void leaveIfNothingCanBeFetched() {
    if (getStatus().getState() == OperationState.FINISHED
        && getResultSetSchema().getColumnsSize() == 0) {
      Statements.leave(this);
    }
  }

  @Override
  public TRowSet getNextRowSet(FetchOrientation order, long wanted) {
    if (ended != null) {
      raise(null);
    }
    if (order == FetchOrientation.FETCH_FIRST) {
      rows = 0;
      bytes = 0;
    }
    fetching = true;
    try {
      long most = Math.max(1, Math.min(Math.min(wanted, slice), Limits.fetchRows()));
      TRowSet found = super.getNextRowSet(order, most);
      count(found, most);
      return found;
    } catch (Throwable error) {
      return raise(error);
    } finally {
      fetching = false;
    }
  }

  private void count(TRowSet found, long most) {
    long more = RowSets.rows(found);
    if (more < most) { // that was its end
      Statements.leave(this);
    }
    long size = RowSets.bytes(found);
    rows += more;
    bytes += size;
    long fitting = FETCH_BYTES * Math.max(1, more) / Math.max(1, size);
    slice = Math.max(1, Math.min(slice * GROWTH, fitting));
    if (rows > Limits.rows(login)) {
      end("the result has more than " + Limits.rows(login) + " rows, the most for " + login
          + ": ask for fewer (WHERE, LIMIT, an aggregate), or ask the operator"
          + " (engine.limits.rows)");
    } else if (bytes > Limits.bytes(login)) {
      end("the result is larger than " + (Limits.bytes(login) >> 20) + " MB, the most for " + login
          + ": ask for less (fewer columns or rows), or ask the operator"
          + " (engine.limits.megabytes)");
    }
    if (ended != null) {
      raise(null);
    }
  }

  /** Once a second. */
  void tick(long passedMs) {
    OperationState state = getStatus().getState();
    if (state.isTerminal() && state != OperationState.FINISHED && !fetching) {
      Statements.leave(this);
    } else if (!works()) {
      leaveIfNothingCanBeFetched();
    } else {
      workedMs += passedMs;
      long most = Limits.seconds(login);
      if (ended == null && workedMs >= most * 1000) {
        end("the statement has worked for " + most + " seconds, the most for " + login
            + ": ask for less at once, or ask the operator (engine.limits.seconds)");
      }
    }
  }

  /** Stop its work; whoever waits for it gets the sentence. */
  synchronized void end(String sentence) {
    if (ended != null) {
      return;
    }
    ended = sentence;
    LOG.info("{}", sentence);
    try {
      if (!getStatus().getState().isTerminal()) {
        setOperationException(new HiveSQLException(sentence, "57014"));
        setState(OperationState.ERROR);
      }
      cleanup();
    } catch (Exception e) { // Scala declares none; its state allows no change any more
      LOG.debug("ended while it ended by itself", e);
    }
    Statements.keepCancelling(this);
  }

  /**
   * Cancel its jobs once more: one that was still being planned begins after the first time, and
   * Spark's own {@code cancelJobGroupAndFutureJobs} passes over the stages of adaptive plans.
   *
   * @return whether that has to be done again
   */
  boolean cancelAgain() {
    session().sparkContext().cancelJobGroup(statementId());
    return running || fetching || --cancels > 0;
  }

  @Override
  public synchronized void cancel() {
    super.cancel();
    Statements.leave(this);
    Statements.keepCancelling(this);
  }

  @Override
  public void close() {
    try {
      super.close();
    } finally {
      Statements.forget(this);
      if (running || fetching || inBackground) {
        Statements.keepCancelling(this);
      }
    }
  }

  /** The sentence by which it was ended, or what went wrong. */
  private <R> R raise(Throwable error) {
    if (ended == null && error instanceof OutOfMemoryError) {
      end("the statement needs more memory than the analysts' door has: ask for less at once");
    }
    Throwable told = ended == null ? error : new HiveSQLException(ended, "57014");
    return Refused.<R, RuntimeException>raise(told);
  }
}
