"""A lake that a former version made is opened, read, loaded and put right by this one."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import History
from civiclake.io.lake import delta_log, tables
from civiclake.io.landing.store import Landing
from civiclake.io.ops import backfills, deliveries, ledger
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.ledger import Circumstances, Entry, Recorder
from civiclake.pipeline.night.replay import replay
from civiclake.settings import Settings

KEPT = Path(__file__).parents[1] / "data" / "lake_7d6a82a.tar.gz"
DAYS = "date,precipitation,temp_max,temp_min,wind,weather\n"
HOUSES = "facility_id,name,kind,district_code,beds,latitude,longitude,opened_on\n"
ROUTES = (
    "route_id,route_short_name,route_long_name,route_desc,route_type,route_url,route_color,"
    "route_text_color\n"
)


@pytest.fixture(scope="module")
def old(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The kept lake, opened by this version."""
    state = tmp_path_factory.mktemp("old")
    with tarfile.open(KEPT) as archive:
        archive.extractall(state, filter="data")
    yield settings.model_copy(update={"state_dir": state})


def test_the_ledger_gains_a_column_while_several_batches_write_it(
    old: Settings, spark: SparkSession
) -> None:
    known = ledger.newest(spark, old, 20)
    assert [(r[0], r[3]) for r in known].count(("meteorology.daily", "merged")) == 2
    before = spark.table(ledger.BATCHES.path(old))
    assert "token" not in before.columns
    one = BatchResult(dataset="x.y", batch_id="b", attempt=1, status="failed")
    entries = [Entry(one, Recorder(), Circumstances(token=n)) for n in range(3)]
    with ThreadPoolExecutor(3) as together:
        done = [together.submit(ledger.write_account, spark, old, entry) for entry in entries]
    assert [one.result() for one in done] == [None] * 3
    rows = ledger.BATCHES.rows(spark, old)
    assert rows.where("dataset = 'x.y'").count() == 3
    assert rows.where("token IS NULL").count() == len(known)


def test_what_was_written_down_is_read(old: Settings, spark: SparkSession) -> None:
    landed = Landing(old).committed("meteorology.daily")
    assert [m.rows for m in landed] == [26, 2]
    told = backfills.of(spark, old, "transport.routes")
    assert [row.state for row in told.values()] == [backfills.SWAPPED]
    assert {row.dataset for row in deliveries.read(spark, old)} >= {"meteorology.daily"}


def test_its_tables_take_another_night(
    settings: Settings, old: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    def nights(name: str, **other: object) -> Nights:
        made = Nights(settings, spark, tmp_path / name, city().dataset(name))
        limits = made.dataset.limits.model_copy(
            update={"max_set_aside_fraction": 1.0, "max_deleted_fraction": 1.0}
        )
        made.dataset = made.dataset.model_copy(update={"limits": limits, **other})
        made.settings = old
        made._moment = 1_451_800_000
        return made

    days = nights("meteorology.daily")
    again = "2016/01/01,1.0,5.0,1.0,2.0,sun\n2016/01/02,4.0,5.0,1.0,2.0,sun\n"
    result = days.run("20160104T020000Z", DAYS + again + "2016/02/01,0.0,5.0,1.0,2.0,sun\n")
    assert counts(result) == {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1}
    houses = nights("health.facilities", history=History.HISTORY)
    rows = [
        f"F{n:04d},House {n},{kind},990101,{n},47.5,-122.3,1990-01-01\n"
        for n, kind in enumerate(["hospital", *["clinic"] * 6], 1)
    ]
    result = houses.run("20160104T020000Z", HOUSES + "".join(rows))
    assert counts(result) == {"read": 7, "unchanged": 7, "deleted": 2}
    routes = nights("transport.routes", history=History.SNAPSHOT)
    result = routes.run(
        "20160104T020000Z", ROUTES + "R1,1,City - Beach,,3,,,\nR2,2,City - Hill,,3,,,\n"
    )
    assert counts(result) == {"read": 2, "inserted": 2}
    assert len({row["_snapshot_date"] for row in spark.table(
        tables.by_path(old, tables.UNIFIED, "transport_routes")
    ).collect()}) == 2  # fmt: skip
    with days.keys():
        result = replay(old, days.dataset)
    assert counts(result) == {"read": 2, "quarantined": 2}
    said = delta_log.newest_commit(spark, old, tables.UNIFIED, "transport_routes").said
    assert (said["batch_id"], said["account"]["counts"]["inserted"]) == ("20160104T020000Z", 2)
