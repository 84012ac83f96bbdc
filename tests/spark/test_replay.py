"""Set-aside rows are put right, each once, and the accounts still add up."""

from __future__ import annotations

from pathlib import Path

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset
from civiclake.errors import UserError
from civiclake.io.ops import ledger
from civiclake.pipeline.night import merge
from civiclake.pipeline.night.replay import replay
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
GOOD = "".join(f"2016/01/{n:02d},0.0,5.0,1.0,2.0,sun\n" for n in range(1, 25))
BAD = "2016/01/25,0.0,5.0,1.0,2.0,hail\n2016/01/26,-1,5.0,1.0,2.0,sun\n"


@pytest.fixture
def nights(settings: Settings, spark: SparkSession, tmp_path: Path) -> Nights:
    made = Nights(settings, spark, tmp_path, city().dataset("meteorology.daily"))
    assert counts(made.run("b1", HEAD + GOOD + BAD)) == {
        "read": 26, "inserted": 24, "quarantined": 2,
    }  # fmt: skip
    return made


def _with_hail(dataset: Dataset) -> Dataset:
    """The code list after the department has added a code."""
    columns = []
    for column in dataset.columns:
        if column.codes:
            values = {**column.codes.values, "hail": "Hail"}
            column = column.model_copy(
                update={"codes": column.codes.model_copy(update={"values": values})}
            )
        columns.append(column)
    return dataset.model_copy(update={"columns": tuple(columns)})


def _statuses(nights: Nights) -> list[tuple[str, str]]:
    return [(row["row"], row["status"]) for row in nights.quarantine()]


def test_after_a_code_list_is_corrected_each_row_moves_once(nights: Nights) -> None:
    mended = _with_hail(nights.dataset)
    with nights.keys():
        first = replay(nights.settings, mended)
        assert counts(first) == {"read": 2, "inserted": 1, "quarantined": 1}
        assert _statuses(nights) == [("25", "released"), ("26", "open")]
        second = replay(nights.settings, mended)
    assert counts(second) == {"read": 1, "quarantined": 1}
    assert len(nights.table()) == 25
    assert nights.table()[24]["weather"] == "hail"


def test_with_a_corrected_file(nights: Nights, tmp_path: Path) -> None:
    file = tmp_path / "corrected.csv"
    file.write_text("_record_id,precipitation\nb1/0/26,0.5\n")
    with nights.keys():
        result = replay(nights.settings, nights.dataset, corrections=file)
    assert counts(result) == {"read": 2, "inserted": 1, "quarantined": 1}
    assert nights.table()[-1]["precipitation_mm"] == "0.5"
    assert _statuses(nights) == [("25", "open"), ("26", "released")]


def test_a_replayed_row_never_overwrites_a_newer_one(nights: Nights) -> None:
    nights.run("b2", HEAD + "2016/01/25,9.0,5.0,1.0,2.0,rain\n")
    with nights.keys():
        result = replay(nights.settings, _with_hail(nights.dataset))
    assert counts(result) == {"read": 2, "late": 1, "quarantined": 1}
    assert nights.table()[24]["weather"] == "rain"
    assert _statuses(nights) == [("25", "released"), ("26", "open")]


def test_a_replay_that_broke_off_is_taken_up_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended = _with_hail(nights.dataset)
    with nights.keys(), monkeypatch.context() as patch:
        patch.setattr(merge, "merge", _crash)
        with pytest.raises(RuntimeError):
            replay(nights.settings, mended, batch_id="replay-1")
    with nights.keys():
        result = replay(nights.settings, mended, batch_id="replay-2")
    assert len(nights.table()) == 25
    assert result.batch_id in ("replay-1", "replay-2")
    assert _statuses(nights) == [("25", "released"), ("26", "open")]


def _crash(*_: object) -> None:
    raise RuntimeError("power cut")


def test_a_corrected_replay_that_broke_off_is_finished_and_what_came_since_follows(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.csv"
    file.write_text("_record_id,precipitation\nb1/0/26,0.5\n")
    with nights.keys(), monkeypatch.context() as patch:
        patch.setattr(merge, "set_aside", _crash)  # its rows are served, but still claimed
        with pytest.raises(RuntimeError):
            replay(nights.settings, nights.dataset, batch_id="replay-1", corrections=file)
    file.write_text("_record_id,weather\nb1/0/25,rain\n")  # the former values are not at hand
    with nights.keys():
        result = replay(nights.settings, nights.dataset, batch_id="replay-2", corrections=file)
        assert (result.batch_id, counts(result)) == ("replay-2", {"read": 1, "inserted": 1})
        with pytest.raises(UserError, match="was used before"):
            replay(nights.settings, nights.dataset, batch_id="replay-1")
    assert _statuses(nights) == [("25", "released"), ("26", "released")]
    assert [row["precipitation_mm"] for row in nights.table()][-2:] == ["0.0", "0.5"]
    told = [r[1:7] for r in ledger.newest(nights.spark, nights.settings, 9)]
    assert told.count(("replay-1", 1, "merged", 1, 1, 0)) == 1  # what the first try has committed
    assert ("replay-1", 1, "merged", 2, 0, 0) in told


def test_an_id_that_landing_knows_is_refused(nights: Nights) -> None:
    for batch_id, said in (
        ("b1", "landing knows"),
        ("20990101T020000Z", "a delivery may come under"),
        ("../b1", "is not allowed"),
    ):
        with pytest.raises(UserError, match=said):
            replay(nights.settings, nights.dataset, batch_id=batch_id)


def test_corrections_that_do_not_fit_are_named(nights: Nights, tmp_path: Path) -> None:
    file = tmp_path / "corrected.csv"
    for text, said in (
        ("_record_id,rain\nb1/0/26,1\n", "has the column 'rain'; allowed are"),
        ("precipitation\n1\n", "lacks the column '_record_id'"),
        ("_record_id,precipitation\nb1/0/26,1\nb1/0/26,2\n", "names b1/0/26 twice"),
        ("_record_id,precipitation\n", "holds no record"),
        ("_record_id,precipitation\nb9/0/1,1\n", "b9/0/1 is not set aside"),
    ):
        file.write_text(text)
        with nights.keys(), pytest.raises(UserError, match=said):
            replay(nights.settings, nights.dataset, corrections=file)
    assert _statuses(nights) == [("25", "open"), ("26", "open")]


def test_nothing_set_aside_is_said(settings: Settings, spark: SparkSession, tmp_path: Path) -> None:
    made = Nights(settings, spark, tmp_path, city().dataset("meteorology.daily"))
    made.run("b1", HEAD + GOOD)
    with made.keys(), pytest.raises(UserError, match="there is nothing to replay"):
        replay(made.settings, made.dataset)
