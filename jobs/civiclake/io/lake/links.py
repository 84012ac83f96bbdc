"""What linkage keeps: its private state, and the served tables of links and of who is linked.

``link.*`` is as closed as raw, though it holds no clear text: profiles are keyed pseudonyms,
and only their neighbourhood is written beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.link_columns import ATTRIBUTES as ATTRIBUTES
from civiclake.contracts.link_columns import entity_columns as entity_columns
from civiclake.contracts.link_columns import link_columns as contract_columns
from civiclake.io.lake import tables
from civiclake.settings import Settings

LINK = "link"
"""The private layer."""
MODEL = "model"
"""Its table of the models of all subjects."""
_MODEL = [
    ("subject", "string"),
    ("fingerprint", "string"),
    ("model", "string"),
    ("model_id", "string"),
    ("profiles", "bigint"),
    (c.BATCH, "string"),
    ("trained_at", "timestamp"),
]
STATE: Sequence[tuple[str, str]] = (
    ("profile_id", "string"),
    ("entity_id", "string"),
    ("method", "string"),
    ("match_probability", "double"),
    ("is_verified", "boolean"),
    ("attributes", "map<string,string>"),
    ("edges", "map<string,double>"),
    ("model_id", "string"),
)
"""One row for each profile; its edges lead to profiles with a greater id."""


def link_columns(subject: str) -> list[tuple[str, str]]:
    """Columns of ``unified.<subject>_link``."""
    return [*contract_columns(subject), (c.BATCH, "string")]


def newest_model(
    spark: SparkSession, settings: Settings, subject: str, fingerprint: str
) -> tuple[str, str, int] | None:
    """The model in use: its JSON, its id, and how many profiles it was made from."""
    if not tables.exists(spark, settings, LINK, MODEL):
        return None
    table = spark.table(tables.by_path(settings, LINK, MODEL))
    mine = (F.col("subject") == subject) & (F.col("fingerprint") == fingerprint)
    row = table.where(mine).orderBy(F.col("trained_at").desc()).first()
    return (row["model"], row["model_id"], row["profiles"]) if row else None


def write_model(
    spark: SparkSession, settings: Settings, row: tuple[str, str, str, str, int, str, datetime]
) -> None:
    """Keep a trained model; earlier ones stay, to tell what linked whom."""
    tables.create(spark, settings, LINK, MODEL, _MODEL, comment="models of linkage")
    schema = ", ".join(f"{name} {kind}" for name, kind in _MODEL)
    frame = spark.createDataFrame([row], schema).coalesce(1)
    frame.write.format("delta").mode("append").save(tables.location(settings, LINK, MODEL))


def read_state(spark: SparkSession, settings: Settings, subject: str) -> DataFrame:
    """The profiles as the last run left them; made empty where there is none."""
    comment = f"profiles of {subject}, under keyed pseudonyms"
    return spark.table(tables.create(spark, settings, LINK, subject, STATE, comment=comment))


def write_state(frame: DataFrame, settings: Settings, subject: str) -> None:
    """Replace the profiles in one commit: ids, pairs and attributes belong together."""
    chosen = frame.select(*[F.col(name).cast(kind).alias(name) for name, kind in STATE])
    chosen.write.format("delta").mode("overwrite").save(tables.location(settings, LINK, subject))


def served(spark: SparkSession, settings: Settings, subject: str) -> tuple[str, str]:
    """Identifiers of ``unified.<subject>`` and of its links, made where there are none."""
    entities = tables.create(
        spark, settings, tables.UNIFIED, subject, [*entity_columns(subject), (c.BATCH, "string")],
        comment=f"One row for each {subject} that the departments' records speak of.",
    )  # fmt: skip
    links = tables.create(
        spark, settings, tables.UNIFIED, f"{subject}_link", link_columns(subject),
        comment=f"Which record belongs to which {subject}, from when and until when.",
    )  # fmt: skip
    tables.close(settings, tables.UNIFIED, f"{subject}_link")
    return entities, links


def newest_link(spark: SparkSession, links: str) -> datetime | None:
    """When a link was last written."""
    row = spark.table(links).agg(F.max(F.greatest("valid_from", "valid_to")).alias("at")).first()
    found: datetime | None = row["at"] if row else None
    return found


def merge_links(
    spark: SparkSession, table: str, subject: str, changes: DataFrame, moment: datetime
) -> None:
    """Close the links that hold no more and open the new ones, in one commit.

    Args:
        spark: session on the jobs' engine.
        table: identifier of ``unified.<subject>_link``.
        subject: what is linked.
        changes: rows of links with ``_close``: whether an open link ends, or one begins.
        moment: when.
    """
    names = [name for name, _ in link_columns(subject)]
    changes.createOrReplaceTempView("_link_changes")
    at = f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S.%f}'"
    values = ", ".join({"valid_from": at, "valid_to": "NULL"}.get(n, f"s.{n}") for n in names)
    spark.sql(
        f"MERGE INTO {table} AS t USING _link_changes AS s\n"
        "ON s._close AND t.valid_to IS NULL"
        " AND t.dataset = s.dataset AND t.record_key = s.record_key\n"
        f"WHEN MATCHED THEN UPDATE SET t.valid_to = {at}\n"
        f"WHEN NOT MATCHED AND NOT s._close THEN INSERT ({', '.join(names)}) VALUES ({values})"
    ).collect()


def is_changed(spark: SparkSession, table: str, subject: str, entities: DataFrame) -> bool:
    """Whether ``unified.<subject>`` is not what its records say now."""
    names = [name for name, _ in entity_columns(subject)]
    entities.select(*names).createOrReplaceTempView("_entities")
    changed = spark.sql(
        f"SELECT 1 FROM {table} AS t FULL OUTER JOIN _entities AS s"
        f" ON t.{names[0]} = s.{names[0]} WHERE {_differs(names)} LIMIT 1"
    )
    return bool(changed.head(1))


def _differs(names: Sequence[str]) -> str:
    return " OR ".join(f"NOT (t.{n} <=> s.{n})" for n in names)


def merge_entities(
    spark: SparkSession, table: str, subject: str, entities: DataFrame, batch_id: str
) -> None:
    """Bring ``unified.<subject>`` to what its records say now; equal rows are not rewritten."""
    names = [name for name, _ in entity_columns(subject)]
    entities.select(*names).createOrReplaceTempView("_entities")
    sets = ", ".join(f"t.{n} = s.{n}" for n in names)
    batch = "'" + batch_id.replace("'", "") + "'"
    spark.sql(
        f"MERGE INTO {table} AS t USING _entities AS s ON t.{names[0]} = s.{names[0]}\n"
        f"WHEN MATCHED AND ({_differs(names)}) THEN UPDATE SET {sets}, t.{c.BATCH} = {batch}\n"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join([*names, c.BATCH])})"
        f" VALUES ({', '.join([*(f's.{n}' for n in names), batch])})\n"
        "WHEN NOT MATCHED BY SOURCE THEN DELETE"
    ).collect()
