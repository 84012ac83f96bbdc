"""A plan by the command: made of the lake's tables at their versions, shown, drawn, and kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from nights import Nights, city
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "pipeline" / "plans"))
import small_town

from civiclake import cli
from civiclake.io.lake import tables
from civiclake.settings import Settings

DEMAND, VENUES = "planning_demand", "culture.venues"
DISTRICTS, ROADS = "geography.divisions", "geography.road_segments"
CELLS = sorted(set(small_town.grid.climb(small_town.demand()["cell"], 8)))


class Town(Nights):
    """The tables that a plan of libraries is made of."""

    def fill(self, dataset_id: str, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows as a load would have left them."""
        dataset = city().dataset(dataset_id)
        with self.keys():
            tables.create_unified(self.spark, self.settings, dataset)
        place = tables.location(self.settings, tables.UNIFIED, dataset.table)
        table = self.spark.read.format("delta").load(place)
        names = list(rows[0])
        texts = [[None if row[n] is None else str(row[n]) for n in names] for row in rows]
        frame = self.spark.createDataFrame(texts, ", ".join(f"`{n}` string" for n in names))
        kinds = dict(table.dtypes)
        given = [F.col(n).cast(kinds[n]).alias(n) for n in names]
        own = [
            F.lit(value).cast(kinds[n]).alias(n)
            for n, value in (("_batch_id", "b"), ("_record_id", "r"))
            if n in kinds
        ]
        sequence = [F.lit("2016-01-01").cast(kinds["_sequence"]).alias("_sequence")]
        frame.select(*given, *own, *sequence).write.format("delta").mode("append").save(place)

    def people(self, cells: Sequence[str], each: int) -> None:
        """The demand, as its mart would have made it (which has golden cases of its own)."""
        kinds = [("cell", "string"), ("age_from", "int"), ("age_to", "int"), ("people", "bigint")]
        tables.create(self.spark, self.settings, tables.MARTS, DEMAND, kinds)
        rows = [(cell, 0, 150, each) for cell in cells]
        frame = self.spark.createDataFrame(rows, ", ".join(" ".join(k) for k in kinds))
        place = tables.location(self.settings, tables.MARTS, DEMAND)
        frame.write.format("delta").mode("append").save(place)

    def plan(self, *words: str, environment: pytest.MonkeyPatch) -> int:
        """Run the command as a person would, against this lake and engine."""
        engine = self.settings.engine
        environment.setenv("CIVICLAKE_STATE_DIR", str(self.settings.state_dir))
        environment.setenv("CIVICLAKE_ENGINE__CONNECT_PORT", str(engine.connect_port))
        environment.setattr(sys, "argv", ["civiclake", "plan", *words])
        with self.keys():
            return cli.run()

    def plans(self) -> list[Any]:
        path = tables.by_path(self.settings, tables.MARTS, "plans")
        return self.spark.table(path).orderBy("planned_at").collect()


@pytest.fixture(scope="module")
def town(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    made = Town(settings, spark, tmp_path_factory.mktemp("plans"), city().dataset(VENUES))
    known = small_town.districts()
    made.fill(DISTRICTS, known.assign(revised_on="2015-06-30", is_urban=True).to_dict("records"))
    segments = small_town.segments()
    segments["segment_id"] = [f"R{n:06d}" for n in range(len(segments))]
    made.fill(ROADS, segments.to_dict("records"))
    rows = small_town.standing((small_town.SOUTH, small_town.WEST)).drop(columns="capacity")
    library = rows.rename(columns={"id": "venue_id"}).to_dict("records")[0]
    museum = {**library, "venue_id": "C0009", "latitude": 25.04, "longitude": 102.74}
    lost = {**library, "venue_id": "C0010", "latitude": None, "longitude": None}
    made.fill(
        VENUES,
        [
            {**library, "kind": "library", "district_code": "530102"},
            {**museum, "kind": "museum", "district_code": "530103"},
            {**lost, "kind": "library", "district_code": "530103"},
        ],
    )
    yield made


def test_before_its_demand_is_built_a_plan_says_what_to_run(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert town.plan("library", "--new", "1", environment=monkeypatch) == 2
    assert capsys.readouterr().err.endswith("run `civiclake mart planning_demand` first\n")


def test_a_plan_is_shown_drawn_and_kept_with_what_it_was_made_of(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    town.people(CELLS, 6)
    picture, drawn = tmp_path / "plan.svg", tmp_path / "plan.geojson"
    words = ("library", "--new", "2", "--within", "2km")
    files = ("--picture", str(picture), "--geojson", str(drawn))
    assert town.plan(*words, *files, environment=monkeypatch) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Libraries: two new\n")
    assert "HiGHS" not in shown
    assert "1 of 2 Libraries have no position: left out".lower() in shown.lower()
    assert picture.read_text().rstrip().endswith("</svg>")
    features = json.loads(drawn.read_text())["features"]
    states = [one["properties"].get("state") for one in features]
    assert (states.count("new"), states.count("stands")) == (2, 1)
    (row,) = town.plans()
    assert (row["kind"], row["solve"], row["new_sites"], row["bound_gap"]) == (
        "library", "maximal-covering", 2, 0,
    )  # fmt: skip
    assert row["people"] == 6 * len(CELLS)
    gained = row["within_after"] - row["within_before"]
    assert gained > 0
    assert sum(site["gains"] for site in row["sites"]) == gained
    assert sum(district["gains"] for district in row["districts"]) == gained
    assert json.loads(row["parameters"])["within"] == 2000
    made_of = json.loads(row["inputs"])
    assert set(made_of) == {"marts.planning_demand", VENUES, DISTRICTS, ROADS}
    version = made_of[VENUES][1]
    assert version == _version(town, VENUES)


def test_each_plan_is_kept_beside_the_others_and_accounted_for(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(town.plans())
    town.people(CELLS[:1], 50)
    words = ("library", "--new", "1", "--solve", "p-median")
    assert town.plan(*words, environment=monkeypatch) == 0
    rows = town.plans()
    assert len(rows) == before + 1
    assert rows[-1]["people"] == 6 * len(CELLS) + 50
    assert rows[-1]["objective_unit"] == "people-metres"
    assert len({row["plan_id"] for row in rows}) == len(rows)
    ledger = town.spark.table(tables.by_path(town.settings, tables.OPS, "batches"))
    mine = ledger.where("dataset = 'marts.plans'").select("batch_id", "status", "read", "inserted")
    assert sorted(map(tuple, mine.collect())) == sorted(
        (row["plan_id"], "merged", 1, 1) for row in rows
    )
    comment = town.spark.sql(
        f"DESCRIBE {tables.by_path(town.settings, tables.MARTS, 'plans')}"
    ).collect()
    assert {row["col_name"]: row["comment"] for row in comment}["bound_gap"].endswith(
        "proven best."
    )


def test_what_the_figures_do_not_allow_is_one_sentence(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (("library", "--new", "1", "--within", "3m"), "within 3 m: no site has anybody within it"),
        (("school", "--new", "1"), "nobody of school's ages (6 to 11) is counted in"),
    ):
        assert town.plan(*words, environment=monkeypatch) == 2
        told = capsys.readouterr()
        assert told.err.startswith("civiclake: ") and told.err.count("\n") == 1
        assert said in told.err
        assert told.out == ""


def _version(town: Town, dataset_id: str) -> int:
    path = tables.by_path(town.settings, tables.UNIFIED, dataset_id.replace(".", "_", 1))
    return int(town.spark.sql(f"DESCRIBE HISTORY {path} LIMIT 1").collect()[0]["version"])
