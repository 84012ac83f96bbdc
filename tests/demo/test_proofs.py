"""The measures of the demo's ending are measured themselves."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from civiclake.settings import load_settings
from demo import exposure, recognition
from demo.city.residents import City

CITY = City(seed=1, residents=500)


def _who(tmp_path: Path, rows: list[tuple[str, int]]) -> Path:
    path = tmp_path / "who.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("dataset,key,resident\n" + "".join(f"d,{key},{who}\n" for key, who in rows))
    return path


def test_a_perfect_linkage(tmp_path: Path) -> None:
    who = _who(tmp_path, [("a", 1), ("b", 1), ("c", 2)])
    found = recognition.score([("p", "d", "a"), ("p", "d", "b"), ("q", "d", "c")], who)
    assert found == recognition.Score(records=3, precision=1.0, recall=1.0)


def test_one_wrong_and_one_missing_link(tmp_path: Path) -> None:
    who = _who(tmp_path, [("a", 1), ("b", 1), ("c", 1), ("e", 2)])
    links = [("p", "d", "a"), ("p", "d", "b"), ("p", "d", "e"), ("q", "d", "c")]
    found = recognition.score(links, who)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == pytest.approx(1 / 3)


@pytest.mark.parametrize("kind", ["citizen_id", "phone", "name"])
def test_an_identifier_in_a_table_is_found(tmp_path: Path, kind: str) -> None:
    settings = load_settings().model_copy(update={"state_dir": tmp_path, "lake_uri": None})
    folder = Path(settings.lake, "unified", "some")
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"clean": ["x"]}), folder / "clean.parquet")
    assert exposure.scan(settings, CITY) == exposure.Scan(1, ())
    told = getattr(CITY.resident(7), kind)
    pq.write_table(pa.table({"note": ["x", told]}), folder / "leak.parquet")
    found = exposure.scan(settings, CITY)
    assert found.found == ("lake/unified/some/leak.parquet: note",)


@pytest.mark.parametrize("kind", ["citizen_id", "phone"])
def test_an_identifier_in_a_log_is_found(tmp_path: Path, kind: str) -> None:
    settings = load_settings().model_copy(update={"state_dir": tmp_path, "lake_uri": None})
    logs = tmp_path / "airflow" / "logs" / "dag"
    logs.mkdir(parents=True)
    (logs / "a.log").write_text(f"row: ({getattr(CITY.resident(7), kind)}, 3)")
    assert exposure.scan(settings, CITY).found == ("airflow/logs/dag/a.log",)
