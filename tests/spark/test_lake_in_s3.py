"""The same nights on a disk and in S3: one content, one account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lake_in_s3
import pytest
from histories_city import trees
from nights import Nights
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, History, Load
from civiclake.errors import StateUnavailable, UserError
from civiclake.io.lake import objects, tables
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.night.load import load
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings
from civiclake.settings_stores import StoreSettings

NIGHTS = (
    "tree_id,species,rings\nt1,oak,7\nt2,,\nt3,elm,many\nt4,ash,1\n",
    "tree_id,species,rings\nt1,oak,8\nt4,ash,1\n,fir,2\nt5,\u6a1f,3\n",
)
OWN = ("seconds", "started_at", "recorded_at", "token", "data_docs")
"""What two runs of one night have each for itself."""


@pytest.fixture(scope="module")
def place(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Any]]:
    with lake_in_s3.started(settings, tmp_path_factory.mktemp("store")) as found:
        yield found


def test_two_nights_are_the_same_in_s3(
    settings: Settings,
    place: tuple[Settings, Any],
    spark: SparkSession,
    tmp_path: Path,
) -> None:
    there, client = place
    dataset = trees(tmp_path, Load.SNAPSHOT, History.HISTORY)
    told = [
        _nights(s, spark, tmp_path / n, dataset) for n, s in (("disk", settings), ("s3", there))
    ]
    assert told[0] == told[1]
    keys = client.list_objects_v2(Bucket=lake_in_s3.BUCKET, Prefix="lake/")["Contents"]
    layers = {entry["Key"].split("/")[1] for entry in keys}
    assert {"raw", "unified", "quarantine", "ops"} <= layers
    assert tables.STAGING not in layers
    assert not (tmp_path / "s3" / "lake").exists()


def _nights(settings: Settings, spark: SparkSession, state: Path, dataset: Dataset) -> Any:
    nights = Nights(settings, spark, state, dataset)
    done: list[BatchResult] = [nights.run(f"n{i}", text) for i, text in enumerate(NIGHTS, 1)]
    with nights.keys():
        again = load(nights.settings, nights.dataset, "n2")
    ledger = (tables.by_path(nights.settings, tables.OPS, n) for n in ("batches", "outcomes"))
    accounts = [sorted(map(str, spark.table(t).drop(*OWN).collect())) for t in ledger]
    results = [one.model_dump(exclude={"seconds", "data_docs"}) for one in (*done, again)]
    return results, nights.table(), nights.quarantine(), accounts


def test_a_store_that_refuses_or_is_away_is_told(
    place: tuple[Settings, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = place[0]
    with pytest.raises(UserError, match="has no bucket nowhere: make it, or correct lake_uri"):
        list(objects.names(there, "s3a://nowhere/lake"))
    away = there.model_copy(update={"store": StoreSettings(endpoint="http://127.0.0.1:9")})
    with pytest.raises(StateUnavailable, match=r"does not answer .*: try again") as told:
        list(objects.names(away, away.lake))
    assert told.value.exit_code == 75
    gone = there.model_copy(update={"lake_uri": "s3a://nowhere/lake"})
    with (
        pytest.raises(UserError, match=r"t: .*has no bucket nowhere: make it, or correct lake_uri"),
        writing(gone, "t", "the test") as (spark, _),
    ):
        spark.range(1).write.format("delta").save(f"{gone.lake}/t")
    monkeypatch.setenv("CIVICLAKE_LAKE_SECRET_KEY", "another")
    with pytest.raises(
        UserError, match=r"refuses the secret key for bucket city: correct CIVICLAKE_LAKE"
    ):
        list(objects.names(there, there.lake))
    monkeypatch.delenv("CIVICLAKE_LAKE_SECRET_KEY")
    with pytest.raises(UserError, match="CIVICLAKE_LAKE_SECRET_KEY"):
        list(objects.names(there, there.lake))
