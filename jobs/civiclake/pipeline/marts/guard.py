"""What a mart's query may read, held twice before it runs: by its text, and by Spark's own plan.

The check has judged the file when it was compiled; what is built is what stands there now. And a
text that our parser reads otherwise than Spark does is found in the plan that Spark resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from civiclake.contracts.inputs import readable
from civiclake.contracts.mart_query import query_faults
from civiclake.contracts.model import Manifest, Mart
from civiclake.contracts.read.faults import choice
from civiclake.contracts.sql import sql_text
from civiclake.errors import ContractError, UserError
from civiclake.io.lake import tables
from civiclake.pipeline.marts.groups import Input
from civiclake.settings import Settings

_OF_FUNCTIONS = {
    "MapInArrow", "MapInPandas", "FlatMapGroupsInArrow", "FlatMapGroupsInPandas",
    "FlatMapCoGroupsInArrow", "FlatMapCoGroupsInPandas", "LogicalRDD", "pythonudf",
}  # fmt: skip
"""What functions of the installation may put into a plan, and no text may."""


def query_file(mart: Mart) -> str:
    """The file in which a mart's step stands, as faults call it."""
    return f"marts/{mart.path}".removesuffix("mart.yaml") + (
        mart.step if mart.is_query else "mart.yaml"
    )


def judge_text(city: Manifest, mart: Mart, text: str) -> None:
    """Hold the file as it is now against what the check allows.

    Args:
        city: the compiled contracts; it says which inputs the mart has.
        mart: its contract, as it was compiled.
        text: the whole file.

    Raises:
        ContractError: with every fault.
    """
    shown = query_file(mart)
    faults = query_faults(mart, text, readable(city.datasets, city.marts, city.links))
    if faults:
        raise ContractError([one.told(shown) for one in faults])


def judge_plan(
    spark: SparkSession, settings: Settings, mart: Mart, query: str, found: Sequence[Input]
) -> None:
    """Let the engine tell what the bound query would read (``jvm/``: QueryReads).

    Args:
        spark: the session in which the inputs' views stand.
        settings: of this installation.
        mart: whose query it is.
        query: over those views.
        found: the inputs, and the versions at which they are pinned.

    Raises:
        UserError: it would read anything beside its inputs at these versions.
    """
    allowed = {_place(settings, one): one for one in found}
    told = spark.sql(f"CALL civiclake.query_reads({sql_text(query)})").collect()
    foreign = [
        f"{row['name']} (version {row['version']})" if row["version"] >= 0 else row["name"]
        for row in told
        if (row["kind"] != "table" and (mart.is_query or row["name"] not in _OF_FUNCTIONS))
        or (
            row["kind"] == "table"
            and (row["name"] not in allowed or row["version"] != allowed[row["name"]].version)
        )
    ]
    if foreign:
        inputs = (f"{one.id} at version {one.version}" for one in found)
        raise UserError(
            f"{query_file(mart)}: Spark would read or run {', '.join(sorted(foreign))}; allowed"
            f" are its inputs alone: {choice(inputs)}; nothing was written"
        )


def _place(settings: Settings, one: Input) -> str:
    """Where a table's data stands, as Spark's plans say it."""
    return urlsplit(tables.location(settings, one.layer, one.table)).path.rstrip("/")
