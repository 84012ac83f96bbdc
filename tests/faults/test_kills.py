"""kill -9 anywhere in a load: run again, the content is the undisturbed one, and so are the sums.

Five places are named, between the commit and the ledger among them; fifteen are moments by chance,
from the first to the last of an undisturbed load.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from nights import Nights, city
from pyspark.sql import DataFrame, SparkSession

from civiclake import secrets
from civiclake.io.extract import extract
from civiclake.io.lake import quarantine, tables
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings

SEED = 16
MOMENTS = 15
PLACES = (
    ("civiclake.pipeline.night.merge.merge",),
    ("civiclake.pipeline.night.merge.merge", "after"),
    ("civiclake.pipeline.night.merge.set_aside", "after"),
    ("civiclake.io.ops.ledger.write_outcomes", "after"),
    ("civiclake.io.ops.ledger.record", "after"),
)
CHANGED = ("inserted", "updated", "deleted")
HEAD = "facility_id,name,kind,district_code,beds,latitude,longitude,opened_on\n"


def _house(number: int, beds: int) -> str:
    kind = "hospital" if number % 50 == 0 else "clinic"
    return f"F{number:04d},House {number},{kind},990101,{beds},47.5,-122.3,1990-01-01\n"


FIRST = HEAD + "".join(_house(n, 10) for n in range(1, 2001))
SECOND = HEAD + "".join(
    [
        *(_house(n, 10) for n in range(1, 1301)),
        *(_house(n, 20) for n in range(1301, 1901)),  # 600 with other beds, 100 are gone
        *(_house(n, 10) for n in range(2001, 2531)),  # 530 are new
        *(_house(n, -1) for n in range(2531, 2561)),  # 30 are set aside
    ]
)


class Town(Nights):
    """The second night of one dataset, landed, and loaded by other processes."""

    def content(self) -> list[Any]:
        """All that is served and set aside, but for the moments in which it was."""
        served = self._frame(tables.UNIFIED, "health_facilities")
        aside = self._frame(tables.QUARANTINE, "health_facilities")
        names = [n for n, _ in quarantine.COLUMNS if n not in ("judged_at",)]
        return [
            sorted(served.collect(), key=str),
            sorted(aside.select(*names).collect(), key=str),
        ]

    def sums(self) -> dict[str, int]:
        """What the ledger says was changed, over all tries of the second night."""
        rows = self._frame(tables.OPS, "batches")
        merged = rows.where("batch_id = 'b2' AND status = 'merged'").collect()
        return {name: sum(row[name] for row in merged) for name in CHANGED}

    def kinds(self) -> dict[str, int]:
        """The same of what else it tells of the changes."""
        rows = self._frame(tables.OPS, "outcomes")
        found = rows.where("batch_id = 'b2' AND step = 'kind'").groupBy("outcome").sum("rows")
        return {row[0]: row[1] for row in found.collect()}

    def _frame(self, layer: str, table: str) -> DataFrame:
        return self.spark.table(tables.by_path(self.settings, layer, table))

    def start(self, *place: str) -> subprocess.Popen[str]:
        """The load of the second night as a process, from where it begins to work."""
        engine = self.settings.engine
        env = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1] / "spark"),
            secrets.variable("connect_token"): secrets.get(self.secrets_from, "connect_token"),
            "CIVICLAKE_STATE_DIR": str(self.settings.state_dir),
            "CIVICLAKE_ENGINE__CONNECT_PORT": str(engine.connect_port),
        }
        words = [str(self.drops), "health.facilities", "b2", *place]
        child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killed.py")), *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env,
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "loading\n"
        return child

    def finish(self) -> None:
        """Load the second night again, here."""
        with self.keys():
            load(self.settings, self.dataset, "b2")


@pytest.fixture(scope="module")
def landed(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Town:
    made = Town(
        settings, spark, tmp_path_factory.mktemp("landed"), city().dataset("health.facilities")
    )
    made.run("b1", FIRST)
    made.deliver(SECOND)
    with made.keys():
        extract(made.settings, made.dataset, "b2")
    return made


@pytest.fixture(scope="module")
def undisturbed(landed: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, float]:
    """What a load comes to that nobody kills, and how many seconds it takes."""
    made = landed.copied(tmp_path_factory.mktemp("undisturbed") / "state")
    began = time.monotonic()
    with made.start() as child:
        assert child.wait(300) == 0
    seconds = time.monotonic() - began
    assert made.sums() == {"inserted": 530, "updated": 600, "deleted": 100}
    return made, seconds


@pytest.mark.parametrize("point", [*PLACES, *range(MOMENTS)], ids=lambda p: str(p))
def test_a_load_that_was_killed_is_finished_by_the_next_one(
    landed: Town, undisturbed: tuple[Town, float], tmp_path: Path, point: Any
) -> None:
    whole, seconds = undisturbed
    town = landed.copied(tmp_path / "state")
    with town.start(*(point if isinstance(point, tuple) else ())) as child:
        if isinstance(point, int):
            share = random.Random(SEED * 1000 + point).uniform(point, point + 1) / MOMENTS
            time.sleep(share * seconds)
            child.kill()
        assert child.wait(300) in (-signal.SIGKILL, 0)
        if isinstance(point, tuple):
            assert child.returncode == -signal.SIGKILL
    town.finish()
    assert town.content() == whole.content()
    assert town.sums() == whole.sums()
    assert town.kinds() == whole.kinds()
    left = [p for p in (Path(town.settings.lake) / "staging").rglob("*") if p.is_file()]
    assert left == []
