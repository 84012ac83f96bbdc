"""The sample city's registers whose former states are kept, night by night against the truth."""

from __future__ import annotations

import copy
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nights import COUNTS, Nights, city
from pyspark.sql import SparkSession

from civiclake import columns as c
from civiclake.contracts.model import Limits
from civiclake.io.lake import tables
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.links.link import link
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings
from demo.city import clock, places
from demo.city.model import Model
from demo.city.register import Register
from demo.city.residents import City
from demo.city.table import Row
from demo.city.truth import Expected

MODEL = Model(City(7, 600))
EMPLOYERS, POPULATION, VACANCIES = (
    "employment.employers", "statistics.population", "employment.vacancies",
)  # fmt: skip
TODAY = {d.former_code: d.code for d in places.DISTRICTS if d.former_code}
SEXES = {"男": "1", "女": "2"}


def _nights(settings: Settings, spark: SparkSession, state: Path, name: str) -> Nights:
    patient = {"limits": Limits(max_set_aside_fraction=0.5, max_deleted_fraction=0.2)}
    return Nights(settings, spark, state, city().dataset(name).model_copy(update=patient))


def _register(name: str) -> Register:
    found = MODEL.series[name]
    assert isinstance(found, Register)
    return found


def _text(register: Register, rows: list[Row]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(register.shape.columns)
    writer.writerows(rows)
    return sink.getvalue()


def _bring(nights: Nights, night: int, batch_id: str) -> BatchResult:
    """Deliver a night's register as of that night in place of what lies there, and load it."""
    register = _register(nights.dataset.id)
    for former in (nights.drops / nights.dataset.name).glob("*.csv"):
        former.unlink()
    content = _text(register, list(register.rows(night)))
    nights.deliver(content, f"{batch_id}.csv", at=int(clock.logical_date(night).timestamp()))
    return nights.run(batch_id)


def _assert_true(found: BatchResult, wanted: Expected) -> None:
    told = {name: getattr(found, name) for name in (*COUNTS, "reasons")}
    assert told == wanted.model_dump(include=set(told))


def _served(nights: Nights, *beside: str) -> list[tuple[Any, ...]]:
    """Rows of the unified table: the contract's columns as text, and what is asked for beside."""
    names = [column.name for column in nights.dataset.unified_columns]
    table = nights.spark.table(
        tables.by_path(nights.settings, tables.UNIFIED, nights.dataset.table)
    )
    rows = table.select(*names, *beside).collect()
    return sorted(
        (*[str(row[name]) for name in names], *[_moment(row[name]) for name in beside])
        for row in rows
    )


def _moment(value: Any) -> Any:
    return str(value.replace(tzinfo=UTC)) if isinstance(value, datetime) else str(value)


@pytest.fixture
def employers(settings: Settings, spark: SparkSession, tmp_path: Path) -> Nights:
    return _nights(settings, spark, tmp_path, EMPLOYERS)


def test_employers_keep_every_version(employers: Nights) -> None:
    nights, register = employers, _register(EMPLOYERS)
    for night in (1, 2, 3):
        found = _bring(nights, night, clock.batch_id(night))
        _assert_true(found, register.expected(night))
        wanted = [
            (*map(str, kept.row), str(kept.since), str(kept.until), str(kept.until is None))
            for kept in register.kept(night)
        ]
        assert _served(nights, c.VALID_FROM, c.VALID_TO, c.IS_CURRENT) == sorted(wanted)
    version = nights.version()
    # The same batch again, and an old night's register that comes once more under a new name.
    with nights.keys():
        rerun = load(nights.settings, nights.dataset, clock.batch_id(2))
    _assert_true(rerun, register.expected(2).again())
    _assert_true(_bring(nights, 2, "20160103T030000Z"), register.expected(2).again())
    assert nights.version() == version
    _assert_only_current_are_read(nights)


def _assert_only_current_are_read(nights: Nights) -> None:
    """A reference finds no employer that has closed, and linkage reads each employer once."""
    register, shape = _register(EMPLOYERS), MODEL.series[VACANCIES].shape
    kept = list(register.kept(3))
    current = {version.row[0] for version in kept if version.until is None}
    changed = next(v.row[0] for v in kept if v.until and v.row[0] in current)
    closed = next(v.row[0] for v in kept if v.row[0] not in current)
    other = copy.copy(nights)
    patient = {"limits": Limits(max_set_aside_fraction=0.5)}
    vacancies = city().dataset(VACANCIES).model_copy(update=patient)
    source = nights.dataset.source.model_copy(
        update={"location": f"{nights.drops}/vacancies/*.csv"}
    )
    other.dataset = vacancies.model_copy(update={"source": source})
    rows = [
        shape.put(shape.make(MODEL.city, number, 0), "employer_id", employer)
        for number, employer in enumerate((changed, closed))
    ]
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows([shape.columns, *rows])
    found = other.run("20160103T020000Z", sink.getvalue())
    assert (found.inserted, found.reasons) == (1, {"reference:employer_id": 1})
    only = city().model_copy(update={"datasets": (nights.dataset,)})
    with nights.keys():
        linked = link(nights.settings, only, "organisation", "20160103T020000Z")
    assert linked.read == len(current) < len(kept)


def test_population_is_kept_night_by_night(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    nights, register = _nights(settings, spark, tmp_path, POPULATION), _register(POPULATION)
    for night in (1, 2, 3):
        found = _bring(nights, night, clock.batch_id(night))
        _assert_true(found, register.expected(night))
        wanted = [
            (
                str(year),
                TODAY.get(district, district),
                SEXES[sex],
                band,
                str(persons),
                str(on.date()),
            )
            for (year, district, sex, band, persons), on, _ in register.kept(night)
        ]
        assert _served(nights, c.SNAPSHOT_DATE) == sorted(wanted)
    version = nights.version()
    with nights.keys():
        rerun = load(nights.settings, nights.dataset, clock.batch_id(2))
    _assert_true(rerun, register.expected(2).again())
    _assert_true(_bring(nights, 1, "20160103T030000Z"), register.expected(1).again())
    assert nights.version() == version
