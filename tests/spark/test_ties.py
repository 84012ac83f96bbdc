"""Rows of one key and one moment: the order of a change log decides, and the names of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from histories_city import trees
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import History, Load
from civiclake.io.extract import extract
from civiclake.io.lake import tables
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings

HEAD = "tree_id,species,rings\n"
LOG = "tree_id,species,rings,updated_at,op\n"
FIRST = 1_451_700_000
Make = Callable[..., Nights]


@pytest.fixture
def make(settings: Settings, spark: SparkSession, tmp_path: Path) -> Make:
    def nights(load: Load, history: History = History.LATEST) -> Nights:
        return Nights(settings, spark, tmp_path, trees(tmp_path, load, history))

    return nights


def _served(nights: Nights) -> dict[str, str]:
    table = nights.spark.table(tables.by_path(nights.settings, tables.UNIFIED, "parks_trees"))
    return {row["tree_id"]: row["species"] for row in table.collect()}


def _load(nights: Nights, batch: str) -> BatchResult:
    with nights.keys():
        return load(nights.settings, nights.dataset, batch)


def _land(nights: Nights, batch: str, content: str, name: str, at: int = FIRST) -> None:
    path = nights.deliver(content, name, at=at)
    with nights.keys():
        extract(nights.settings, nights.dataset, batch)
    path.unlink()  # or the next batch would bring it, too, for this one is not merged yet


def _log(*rows: tuple[str, str, str, int]) -> str:
    said = (f"{key},{text},7,2016-01-02T00:00:{at:02d}Z,{op}\n" for op, key, text, at in rows)
    return LOG + "".join(said)


@pytest.mark.parametrize("history", [History.LATEST, History.HISTORY])
def test_within_a_second_the_order_of_the_log_decides(make: Make, history: History) -> None:
    nights = make(Load.CHANGES, history)
    log = _log(
        ("I", "t1", "oak", 0), ("U", "t1", "elm", 0),
        ("I", "t2", "ash", 0), ("D", "t2", "", 0),
        ("I", "t3", "fir", 0), ("U", "t3", "yew", 1),
        ("D", "t4", "", 0), ("I", "t4", "gum", 0),
    )  # fmt: skip
    result = nights.run("b1", log)
    assert _served(nights) | {"t3": "yew"} == {"t1": "elm", "t3": "yew", "t4": "gum"}
    assert result.quarantined == 0 and result.warnings == {}
    before = nights.version()
    assert _load(nights, "b1").unchanged == result.read - result.superseded
    assert nights.version() == before


def _outcomes(result: BatchResult) -> dict[str, Any]:
    found = counts(result)
    del found["read"]
    return found


def test_a_later_file_of_the_log_has_the_last_word_in_whatever_order(make: Make) -> None:
    nights = make(Load.CHANGES)
    _land(nights, "b1", _log(("I", "t1", "oak", 0), ("I", "t2", "ash", 0)), "1.csv")
    later = _log(("U", "t1", "elm", 0), ("D", "t2", "", 0), ("I", "t3", "fir", 0))
    _land(nights, "b2", later, "2.csv", at=FIRST + 60)
    _land(nights, "b3", _log(("I", "t2", "yew", 0), ("D", "t3", "", 0)), "3.csv", at=FIRST + 120)
    assert _outcomes(_load(nights, "b2")) == {"inserted": 2, "unchanged": 1}
    assert _outcomes(_load(nights, "b1")) == {"late": 2}
    assert _served(nights) == {"t1": "elm", "t3": "fir"}
    assert _outcomes(_load(nights, "b3")) == {"inserted": 1, "updated": 1, "deleted": 1}
    assert _served(nights) == {"t1": "elm", "t2": "yew"}
    again = _load(nights, "b2")
    assert again.late + again.unchanged == again.read
    assert _served(nights) == {"t1": "elm", "t2": "yew"}


def test_a_log_file_that_grows_within_a_second(make: Make) -> None:
    nights = make(Load.CHANGES)
    rows = [("I", "t1", "oak", 0), ("U", "t1", "elm", 0), ("D", "t1", "", 0)]
    _land(nights, "b1", _log(*rows[:1]), "log.csv")
    assert _outcomes(_load(nights, "b1")) == {"inserted": 1}
    _land(nights, "b2", _log(*rows[:2]), "log.csv", at=FIRST + 60)
    assert _outcomes(_load(nights, "b2")) == {"superseded": 1, "updated": 1}
    assert _served(nights) == {"t1": "elm"}
    _land(nights, "b3", _log(*rows), "log.csv", at=FIRST + 120)
    assert _outcomes(_load(nights, "b3")) == {"superseded": 2, "updated": 1, "deleted": 1}
    assert _served(nights) == {}


def test_of_two_files_of_one_second_the_later_name_is_served(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    nights = make(Load.FILES)
    nights.deliver(HEAD + "t1,oak,7\nt2,ash,7\n", "2016-01-01.csv", at=FIRST)
    nights.deliver(HEAD + "t1,elm,7\nt2,ash,7\nt3,fir,7\n", "2016-01-02.csv", at=FIRST)
    result = nights.run("b1")
    assert _served(nights) == {"t1": "elm", "t2": "ash", "t3": "fir"}
    assert counts(result) == {"read": 5, "inserted": 3, "superseded": 2}
    assert result.warnings == {"files_of_one_time": 1}
    assert "files of one time differ in 1 rows; those of the later name" in caplog.text
    # Rows that differ within one file are still nobody's to choose from.
    torn = nights.run("b2", HEAD + "t1,oak,1\nt1,oak,2\nt2,ash,7\nt3,fir,7\n")
    assert torn.reasons == {"duplicate_key": 2}


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_later_name_is_served_across_batches(make: Make, order: tuple[str, str]) -> None:
    nights = make(Load.FILES)
    _land(nights, "a", HEAD + "t1,oak,7\n", "a.csv")
    _land(nights, "b", HEAD + "t1,elm,7\n", "b.csv")
    first, second = (_load(nights, batch) for batch in order)
    assert _outcomes(first) == {"inserted": 1}
    assert _outcomes(second) == ({"updated": 1} if order[1] == "b" else {"late": 1})
    assert second.warnings == {"files_of_one_time": 1}
    assert _served(nights) == {"t1": "elm"}
    again = _load(nights, order[0])
    assert _outcomes(again) == ({"late": 1} if order[0] == "a" else {"unchanged": 1})
