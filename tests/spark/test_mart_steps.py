"""Marts of marts, functions as steps, and what is held before anything is written."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from mart_town import DAYS, VISITS, Town
from nights import city
from pyspark.sql import SparkSession

import civiclake.applications
from civiclake.contracts import functions
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Mart
from civiclake.errors import BatchHeld, ContractError, UserError
from civiclake.io.lake import tables
from civiclake.pipeline.marts.result import Held, hold, shaped, withheld
from civiclake.settings import Settings, project_root

FUNCTION = """
from pyspark.sql import functions as F


def build(inputs, parameters):
    visits = inputs["health.visits"]
    assert "citizen_id" not in visits.columns
    day = F.to_date("visited_at").alias("day")
    young = F.count_if(F.col("age_years") < parameters["below_years"]).alias("young")
    return visits.groupBy(day).agg(young, F.count("*").alias("visits"))


def ages(inputs, parameters):
    import pyarrow as pa

    def one(table):
        return pa.table({"day": table["day"][:1], "young": [table.num_rows], "visits": [1]})

    rows = inputs["health.visits"].select(F.to_date("visited_at").alias("day"))
    return rows.groupBy("day").applyInArrow(one, "day date, young bigint, visits bigint")


def elsewhere(inputs, parameters):
    frame = inputs["health.visits"]
    return frame.sparkSession.read.format("delta").load(parameters["path"])
"""
COUNTS = {"logicalType": "integer", "physicalType": "bigint"}


def _contract(name: str, *columns: dict[str, Any], **own: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"marts.{name}",
        "version": "1.0.0",
        "status": "active",
        "domain": "town",
        "description": {"purpose": f"What the town says of {name}."},
        "schema": [{"name": name, "properties": [DAY, *columns]}],
        "team": {"name": "Town", "members": [{"username": "town@city.example", "role": "owner"}]},
        "slaProperties": [{"property": "retention", "value": 90, "unit": "d"}],
        "customProperties": [{"property": "civiclake", "value": {"step": "query.sql", **own}}],
    }


DAY = {"name": "day", "description": "Day (UTC).", "logicalType": "date", "primaryKey": True}
YOUNG = {"name": "young", "description": "Visits of the young.", **COUNTS}
NUMBER = {"name": "visits", "description": "All visits.", **COUNTS}
BY_DAY = {"refresh_by": "day", "groups": {VISITS: "to_date(visited_at)"}}
STEP = "civiclake.applications.town_of_tests"


class Folders:
    """Marts on disk, over the city's own datasets."""

    first: dict[str, Any]

    def __init__(self, town: Town, root: Path) -> None:
        self.town, self.root = town, root
        for part in ("_columns", "_codes", "health", "meteorology"):  # few are compiled sooner
            shutil.copytree(project_root() / "schemas" / part, root / "schemas" / part)
        town.settings = town.settings.model_copy(update={"marts_dir": root / "marts"})

    def put(self, contract: dict[str, Any], query: str = "") -> None:
        folder = self.root / "marts" / "town" / contract["schema"][0]["name"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mart.yaml").write_text(yaml.safe_dump(contract, sort_keys=False))
        if query:
            (folder / "query.sql").write_text(query)
        self.read()

    def read(self) -> None:
        suites = self.root / "expectations"
        self.town.city = load_city(self.root / "schemas", suites)

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        table = tables.by_path(self.town.settings, tables.MARTS, name)
        return sorted(map(tuple, self.town.spark.table(table).collect()), key=str)


@pytest.fixture(scope="module")
def town(settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    made = Town(settings, spark, tmp_path_factory.mktemp("town"), city().dataset(DAYS))
    made.city = city()
    for dataset_id in (VISITS, DAYS):
        made.make(dataset_id)
    return made


@pytest.fixture(scope="module")
def module(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A module of functions, where the installation's own stand."""
    root = tmp_path_factory.mktemp("code")
    folder = root / "civiclake" / "applications"
    folder.mkdir(parents=True)
    file = folder / "town_of_tests.py"
    file.write_text(FUNCTION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "_ROOT", root)
        patch.setattr(civiclake.applications, "__path__", [str(folder)])
        yield file


@pytest.fixture(scope="module")
def folders(town: Town, tmp_path_factory: pytest.TempPathFactory, module: Path) -> Folders:
    made = Folders(town, tmp_path_factory.mktemp("city"))
    first = _contract(
        "young_visits", YOUNG, NUMBER, inputs=[VISITS], **BY_DAY,
        parameters={"below_years": 18},
    )  # fmt: skip
    first["customProperties"][0]["value"]["step"] = f"{STEP}.build"
    made.put(first)
    second = _contract(
        "busy_days", NUMBER, inputs=["marts.young_visits"], refresh_by="day",
        groups={"marts.young_visits": "day"},
    )  # fmt: skip
    query = "SELECT y.day, y.visits FROM marts.young_visits AS y WHERE y.visits > 1"
    made.put(second, query)
    made.first = first
    town.visit(100, 104, "2016-01-01", age="7")
    town.visit(200, 202, "2016-01-02", age="40")
    town.visit(300, 301, "2016-01-03", age="40")
    for name in ("young_visits", "busy_days"):
        assert town.refresh(name).message == "built whole: it is built for the first time"
    return made


def _day(number: int) -> date:
    return date(2016, 1, number)


def test_a_function_and_a_mart_of_a_mart_are_refreshed_by_groups(folders: Folders) -> None:
    town = folders.town
    assert folders.rows("young_visits") == [(_day(1), 4, 4), (_day(2), 0, 2), (_day(3), 0, 1)]
    assert folders.rows("busy_days") == [(_day(1), 4), (_day(2), 2)]
    for name in ("young_visits", "busy_days"):
        assert town.refresh(name).message == "nothing has changed"
        table = tables.by_path(town.settings, tables.MARTS, name)
        assert town.spark.sql(f"DESCRIBE HISTORY {table}").count() == 1
    town.visit(310, 312, "2016-01-03", age="3")
    for name in ("young_visits", "busy_days"):
        assert town.refresh(name).message == "1 groups of day have changed"
    assert folders.rows("young_visits")[2] == (_day(3), 2, 3)
    assert folders.rows("busy_days")[2] == (_day(3), 3)


def test_another_formula_or_parameter_builds_the_whole(folders: Folders, module: Path) -> None:
    changed = "built whole: its contract or its step has changed"
    module.write_text(FUNCTION + "\n# the same again\n")
    assert folders.town.refresh("young_visits").message == changed
    later = copy.deepcopy(folders.first)
    later["customProperties"][0]["value"]["parameters"] = {"below_years": 50}
    folders.put(later)
    assert folders.town.refresh("young_visits").message == changed
    assert all(young == visits for _, young, visits in folders.rows("young_visits"))
    # What was built whole is read whole.
    told = folders.town.refresh("busy_days").message
    assert told.startswith("built whole: marts.young_visits ")


def test_analysts_see_what_a_column_is(folders: Folders) -> None:
    town = folders.town
    name = tables.register(town.spark, town.settings, tables.MARTS, "young_visits")
    try:
        told = {r["col_name"]: r for r in town.spark.sql(f"DESCRIBE EXTENDED {name}").collect()}
        assert told["young"]["comment"] == "Visits of the young."
        assert told["young"]["data_type"] == "bigint"
        assert told["Comment"]["data_type"] == "What the town says of young_visits."
        assert "deletedFileRetentionDuration=interval 90 days" in told["Table Properties"][1]
    finally:
        town.spark.sql(f"DROP TABLE {name}")


def test_a_function_may_group_in_python_and_read_nothing_else(folders: Folders) -> None:
    arrow = _contract("by_arrow", YOUNG, NUMBER, inputs=[VISITS])
    arrow["customProperties"][0]["value"]["step"] = f"{STEP}.ages"
    folders.put(arrow)
    folders.town.refresh("by_arrow")
    assert len(folders.rows("by_arrow")) == 3
    folders.town.visit(320, 321, "2016-01-03")
    told = folders.town.refresh("by_arrow").message
    assert told == f"built whole: its contract names no groups, and {VISITS} has changed"
    path = tables.location(folders.town.settings, tables.UNIFIED, "meteorology_daily")
    arrow["customProperties"][0]["value"].update(
        step=f"{STEP}.elsewhere", parameters={"path": path}
    )
    folders.put(arrow)
    with pytest.raises(UserError, match=r"Spark would read or run .*meteorology_daily"):
        folders.town.refresh("by_arrow")
    assert len(folders.rows("by_arrow")) == 3


GOOD = {
    "day": "DATE '2016-01-01'", "n": "3", "x": "0.5D", "word": "'a'", "form": "'7'",
}  # fmt: skip
CHECKED = (
    {"name": "n", "description": "A number.", **COUNTS, "required": True,
     "logicalTypeOptions": {"maximum": 4}},
    {"name": "x", "description": "A share.", "logicalType": "number"},
    {"name": "word", "description": "A word.", "logicalType": "string", "enum": [{"value": "a"}]},
    {"name": "form", "description": "A digit.", "logicalType": "string",
     "logicalTypeOptions": {"pattern": "[0-9]"}},
)  # fmt: skip
BROKEN = {
    "a column less": ({"x": None}, 1, "its step gives no column 'x'; it gives "),
    "a column more": ({"m": "2"}, 1, "gives column 'm', which the contract has not"),
    "a type that loses": ({"n": "1.5D"}, 1, "gives column 'n' as double, but .* bigint"),
    "an empty value": ({"n": "CAST(NULL AS INT)"}, 1, "1 of 1 rows break rule 'required:n'"),
    "no number": ({"x": "CAST('NaN' AS DOUBLE)"}, 1, "1 of 1 rows break 'x' is a number"),
    "no end": ({"x": "CAST('-Infinity' AS DOUBLE)"}, 1, "1 of 1 rows break 'x' is a number"),
    "out of bounds": ({"n": "5"}, 1, "rule 'range:n'"),
    "no word of the list": ({"word": "'c'"}, 1, "rule 'enum:word'"),
    "no such form": ({"form": "'77'"}, 1, "rule 'pattern:form'"),
    "a key twice": ({}, 2, r"a key comes twice \(day\), such as day=2016-01-01"),
    "too many rows": (
        {"day": "date_add(DATE '2016-01-01', CAST(id AS INT))"}, 3, "it would have 4 rows, which"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def checked(folders: Folders) -> Mart:
    contract = _contract("checked", *CHECKED, inputs=[VISITS])
    contract["schema"][0]["quality"] = [{"metric": "rowCount", "mustBeLessOrEqualTo": 3}]
    folders.put(contract, "SELECT * FROM (SELECT 1 AS n)")
    return next(mart for mart in folders.town.city.marts if mart.name == "checked")


def _select(more: dict[str, str | None], rows: int) -> str:
    said = {**GOOD, **more}
    columns = ", ".join(f"{text} AS {name}" for name, text in said.items() if text)
    return f"SELECT {columns} FROM range({rows})"


@pytest.mark.parametrize("what", BROKEN)
def test_rows_that_break_the_contract_are_told(
    checked: Mart, spark: SparkSession, what: str
) -> None:
    more, rows, told = BROKEN[what]
    with pytest.raises(ContractError, match=told):
        hold(checked, shaped(checked, spark.sql(_select(more, rows))), lambda: 1)


def test_what_keeps_to_the_contract_is_in_its_order_and_types(
    checked: Mart, spark: SparkSession
) -> None:
    turned = dict(reversed(GOOD.items()))
    frame = shaped(
        checked, spark.sql(f"SELECT {', '.join(f'{t} AS {n}' for n, t in turned.items())}")
    )
    assert hold(checked, frame, lambda: 2) == Held(1)
    given = [(f.name, f.dataType.simpleString()) for f in frame.schema.fields]
    assert given == [(c.name, c.spark_type) for c in checked.columns]


def test_of_too_few_persons_nothing_is_told(checked: Mart, spark: SparkSession) -> None:
    small = checked.model_copy(update={"smallest_group": 4, "group_size": "n"})
    frame = shaped(small, spark.sql(f"{_select({}, 1)} UNION ALL {_select(LATER, 1)}"))
    with pytest.raises(ContractError, match=r"1 of 2 rows tell of fewer than 4 persons \(n\)"):
        hold(small, withheld(small, frame))
    free = tuple(c.model_copy(update={"required": False}) for c in small.columns)
    told = small.model_copy(update={"columns": free, "rules": ()})
    rows = withheld(told, frame)
    assert hold(told, rows) == Held(2, withheld=1)
    found = [tuple(row) for row in rows.orderBy("day").select("n", "x", "word").collect()]
    assert found == [(None, None, "a"), (4, 0.5, "a")]


LATER = {"day": "DATE '2016-01-02'", "n": "4"}


def test_the_last_figures_stay_where_new_ones_break_the_contract(folders: Folders) -> None:
    contract = _contract("breaks", NUMBER, inputs=[VISITS])
    contract["schema"][0]["properties"][1]["required"] = True
    folders.put(contract, "SELECT DATE '2016-01-01' AS day, 1 AS visits")
    folders.town.refresh("breaks")
    folders.put(contract, "SELECT DATE '2016-01-01' AS day, CAST(NULL AS INT) AS visits")
    with pytest.raises(ContractError, match=r"rule 'required:visits' .*; nothing was written"):
        folders.town.refresh("breaks")
    assert folders.rows("breaks") == [(_day(1), 1)]


def test_a_persons_rules_hold_a_mart(folders: Folders) -> None:
    suite = folders.root / "expectations" / "marts" / "busy_days.json"
    suite.parent.mkdir(parents=True)
    rule = {"column": "visits", "min_value": 1000}
    kind = "expect_column_sum_to_be_between"
    suite.write_text(
        f'{{"name": "marts.busy_days", "expectations": [{{"type": "{kind}",'
        f' "kwargs": {{"column": "{rule["column"]}", "min_value": {rule["min_value"]}}}}}]}}'
    )
    folders.read()
    before = folders.rows("busy_days")
    with pytest.raises(BatchHeld, match="its last figures stay served: rule sum_to_be_between"):
        folders.town.refresh("busy_days")
    assert folders.rows("busy_days") == before
    page = folders.town.settings.data_docs_dir / "mart_busy_days" / "busy_days"
    assert list(page.glob("*.html"))
    suite.unlink()
    folders.read()
