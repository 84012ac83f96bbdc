"""What is derived from a contract, held against what it should be, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract_city import SmallCity
from contract_spoilers import line_list

from civiclake import columns
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, History, Load, Manifest, Occurrence
from civiclake.contracts.render import catalogue, dag, gx_suite, spark_schema, table_ddl
from civiclake.contracts.render.ddl import add_columns
from civiclake.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def city(tmp_path: Path) -> Manifest:
    small = SmallCity(tmp_path)
    small.column("species")["description"] = "What the tree's label says | if any"
    small.column("keeper_id")["classification"] = "restricted"
    small.trees["schema"][0]["properties"].append(
        {
            "name": "keeper_name",
            "logicalType": "string",
            "classification": "restricted",
            "customProperties": [{"property": "civiclake", "value": {"protect": "drop"}}],
        }
    )
    small.write()
    return load_city(small.schemas, small.expectations, small.marts)


@pytest.fixture
def trees(city: Manifest) -> Dataset:
    return city.dataset("parks.trees")


DDL = r"""CREATE TABLE IF NOT EXISTS unified.`parks_trees` (
  `tree_id` STRING,
  `height_m` DECIMAL(5,2),
  `species` STRING COMMENT 'What the tree\'s label says | if any',
  `keeper_id` STRING COMMENT 'Number of a person.',
  `park_id` STRING,
  `updated_at` TIMESTAMP,
  `_batch_id` STRING
)
USING DELTA
LOCATION '/lake/it\'s/parks_trees'
COMMENT ''
TBLPROPERTIES (
  'civiclake.contract' = 'parks.trees 1.0.0',
  'civiclake.key' = 'tree_id',
  'civiclake.owner' = 'Parks <data@parks.example>',
  'delta.enableDeletionVectors' = 'true',
  'delta.enableChangeDataFeed' = 'true'
)"""


def test_the_unified_table(trees: Dataset) -> None:
    found = table_ddl(
        trees,
        "/lake/it's/parks_trees",
        extra=[("_batch_id", "string")],
        properties={"delta.enableChangeDataFeed": "true"},
    )
    assert found == DDL


def test_raw_and_quarantine_keep_every_value_as_text_under_the_source_s_name(
    trees: Dataset,
) -> None:
    for layer in ("raw", "quarantine"):
        text = table_ddl(trees, "/lake/x", layer)  # type: ignore[arg-type]
        assert f"CREATE TABLE IF NOT EXISTS {layer}.`parks_trees`" in text
        assert "`height` STRING" in text and "`keeper_name` STRING" in text
        assert "DECIMAL" not in text and "`height_m`" not in text


def test_the_schema_is_one_that_spark_reads(trees: Dataset) -> None:
    from pyspark.sql.types import StructType

    found = StructType.fromJson(spark_schema(trees))
    assert found.simpleString() == (
        "struct<tree_id:string,height_m:decimal(5,2),species:string,keeper_id:string,"
        "park_id:string,updated_at:timestamp>"
    )
    assert found["keeper_id"].metadata == {"comment": "Number of a person."}


def test_every_type_of_the_real_city_is_one_that_spark_reads() -> None:
    from pyspark.sql.types import StructType

    kinds = set()
    for dataset in load_city(ROOT / "schemas", ROOT / "expectations").datasets:
        schema = StructType.fromJson(spark_schema(dataset))
        assert schema.names == [c.name for c in dataset.unified_columns]
        kinds |= {field.dataType.simpleString() for field in schema}
    assert kinds >= {"string", "int", "double", "date", "timestamp", "decimal(12,2)"}


def test_the_suite_holds_the_contract_s_rules_and_a_person_s(trees: Dataset) -> None:
    suite = gx_suite(trees)
    assert suite["name"] == "parks.trees"
    assert suite["meta"] == {"contract": "parks/trees.yaml", "contract_version": "1.0.0"}
    assert len(suite["expectations"]) == len(trees.rules)
    assert suite["expectations"][0] == {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "tree_id"},
        "meta": {"name": "required:tree_id", "origin": "contract"},
        "severity": "critical",
        "description": "tree_id is given",
    }
    assert suite["expectations"][-1]["meta"]["origin"] == "suite"
    assert suite["expectations"][-1]["severity"] == "warning"


def test_a_dataset_is_two_tasks_and_waits_for_what_it_refers_to(city: Manifest) -> None:
    found = dag(city, "parks")
    assert (found["schedule"], found["deadline_seconds"]) == ("0 2 * * *", 86400)
    assert found["owners"] == ["Parks <ann@parks.example>", "Parks <data@parks.example>"]
    tasks = {task["task"]: task for task in found["tasks"]}
    assert list(tasks) == ["parks.extract", "parks.load", "trees.extract", "trees.load"]
    assert tasks["trees.extract"] == {
        "task": "trees.extract",
        "command": ["civiclake", "extract", "parks.trees", "--batch-id", "{{ batch_id }}"],
        "connection": "parks_db",
        "after": [],
    }
    assert tasks["trees.load"]["after"] == ["trees.extract", "parks.load"]
    assert tasks["trees.load"]["pool"] == "table_parks_trees"
    assert tasks["trees.load"]["outlet"] == "civiclake://unified/parks_trees"


def test_an_unknown_department_is_told_the_known_ones(city: Manifest) -> None:
    with pytest.raises(UserError, match="department 'park' has no dataset; allowed are parks"):
        dag(city, "park")


def test_the_catalogue_tells_what_stays_behind(trees: Dataset) -> None:
    lines = catalogue(trees).splitlines()
    assert lines[0] == "# unified.parks_trees"
    assert "- Answers for it: Parks (data@parks.example)" in lines
    assert "- At most 2 days old" in lines
    assert "| `keeper_id` | string | restricted | Number of a person. Keyed pseudonym. |" in lines
    assert (
        "| `species` | string | public | What the tree's label says \\| if any Codes: oak Oak,"
        " elm Elm. |" in lines
    )
    assert "| `park_id` | string | public | Refers to `parks.parks.park_id`. |" in lines
    assert "Never leave the protected layers: `keeper_name`." in lines
    assert "| `range:height_m` | critical | height_m keeps minimum 0, maximum 120 |" in lines
    assert not any(line.startswith("| `keeper_name`") for line in lines)


def test_the_catalogue_and_the_table_show_what_history_adds(trees: Dataset) -> None:
    versions = trees.model_copy(update={"history": History.HISTORY})
    page = catalogue(versions)
    assert "| `_valid_to` | timestamp | internal | When it ended (exclusive)" in page
    assert "history: history" in page and "_is_current" in page
    nightly = trees.model_copy(update={"history": History.SNAPSHOT})
    assert "| `_snapshot_date` | date |" in catalogue(nightly)
    assert "_snapshot_date" not in catalogue(trees)
    text = table_ddl(nightly, "/lake/x", extra=[("_snapshot_date", "date")],
                     partition="_snapshot_date")  # fmt: skip
    assert "PARTITIONED BY (`_snapshot_date`)" in text


def test_columns_named_later_are_added_with_what_they_mean(trees: Dataset) -> None:
    text = add_columns(trees, "unified.parks_trees", ["height_m", "park_id"])
    assert text.startswith(
        "ALTER TABLE unified.parks_trees ADD COLUMNS (\n  `height_m` DECIMAL(5,2)"
    )
    assert text.count(",\n") == 1


def test_a_list_without_an_id_says_how_its_rows_are_told_apart(tmp_path: Path) -> None:
    small = SmallCity(tmp_path)
    line_list(load="snapshot")(small)
    small.write()
    city = load_city(small.schemas, small.expectations, small.marts)
    assert Manifest.model_validate_json(city.model_dump_json()) == city
    trees = city.dataset("parks.trees")
    assert (trees.key, trees.occurrence) == ((), Occurrence.EQUALS)
    page = catalogue(trees)
    assert "- Key: all values, and the place among equals" in page
    assert "| `_occurrence` | int | internal | Place (from 1)" in page
    assert "_source_file" not in page
    assert "'civiclake.occurrence' = 'equals'" in table_ddl(trees, "/lake/trees", "unified")
    assert [name for name, _ in columns.unified_extra(trees)][-1] == "_occurrence"
    assert columns.merge_key(trees) == ("_content_hash", "_occurrence")
    by_row = trees.model_copy(update={"load": Load.FILES, "occurrence": Occurrence.ROW})
    assert columns.merge_key(by_row) == ("_source_file", "_source_row")
    assert "- Key: file and row" in catalogue(by_row)
