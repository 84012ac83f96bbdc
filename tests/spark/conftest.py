"""Both engines, started once for all Spark tests, on free ports and in a folder of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import door
import lake_in_s3
import pytest
from pyspark.sql import SparkSession

from civiclake import engine
from civiclake.engine import jars, session
from civiclake.local.ports import free_ports
from civiclake.settings import Settings, load_settings
from civiclake.settings_engine import DoorLimits, GateSettings, LoginLimits

LIMITED = LoginLimits(rows=500, megabytes=1, queries=2)
HASTY = LoginLimits(seconds=2, tasks=1)
"""What two analysts may, so that ordinary queries ask too much."""
READS_EVENTS = "test_cost.py"
"""It counts what Spark did by its event log."""


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of a lake of its own, both engines up."""
    # Not in pytest's folder, which every run closes to others: the analysts' engine is another.
    root = Path(tempfile.mkdtemp(prefix="civiclake-test-"))
    root.chmod(0o755)
    connect_port, sql_port, store_port = free_ports(3)
    base = load_settings()
    is_read = any(item.path.name == READS_EVENTS for item in request.session.items)
    logged = _logged(root) if is_read else {}
    made = base.model_copy(
        update={
            "state_dir": root,
            "lake_uri": None,
            "engine": base.engine.model_copy(
                update={
                    "connect_port": connect_port,
                    "sql_port": sql_port,
                    "master": "local[2]",
                    "spark": {**base.engine.spark, **lake_in_s3.options(store_port), **logged},
                    "jobs_memory": "3g",
                    "sql_memory": "1g",
                    "sql_nice": 0,  # another suite runs beside this one
                    "limits": DoorLimits(login={"limited": LIMITED, "hasty": HASTY}),
                    "remote": None,
                    # Tests log in wrongly a hundred times, from one address.
                    "gate": GateSettings(
                        login_seconds=4, connections_by_login=12, delay_first_ms=1, delay_most_ms=20
                    ),
                }
            ),
        }
    )
    jars.fetch(made.jars_dir)
    jars.compile_jvm(made.jars_dir)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in lake_in_s3.KEYS.items():
                patch.setenv(name, value)
            engine.up(made)
        yield made
    finally:
        engine.down(made)
        shutil.rmtree(root, ignore_errors=True)


def _logged(root: Path) -> dict[str, str]:
    """Let the engines write down all that they do, which costs them a few percent."""
    events = root / "events"
    events.mkdir()
    events.chmod(0o777)  # both engines write, as different users
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{events}",
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.sql.ui.explainMode": "simple",
    }


@pytest.fixture(scope="session")
def spark(settings: Settings) -> Iterator[SparkSession]:
    """A session of the jobs engine."""
    made = session.connect(settings)
    session.suit(made, 0)  # the tests' tables are small
    yield made
    made.stop()


@pytest.fixture(scope="session")
def lake(spark: SparkSession, settings: Settings) -> Settings:
    """The same settings, with tables for the analysts' door in the lake."""
    door.make_tables(spark, settings)
    return settings
