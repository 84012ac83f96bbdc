"""``civiclake link``: who is who across departments, once a night.

Clear text goes from raw into this process's memory and nowhere else. What is written holds
keyed pseudonyms and what may be known of everybody.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Manifest
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.contracts.read.identity import MEANINGS, Identity, identities
from civiclake.engine.session import suit
from civiclake.errors import UserError
from civiclake.io.lake import links, tables
from civiclake.io.ops import recall
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.ledger import Entry, Recorder
from civiclake.pipeline.links.profiles import Run, count_served, read_records, resolve_profiles
from civiclake.pipeline.recorded import recorded
from civiclake.pipeline.watch import deliveries
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings
from civiclake.steps.survive import survive

log = logging.getLogger(__name__)

_BATCH_ID = re.compile(r"\d{8}T\d{6}Z")


def link(
    settings: Settings, city: Manifest, subject: str, batch_id: str, *, train: bool = False
) -> BatchResult:
    """Bring ``unified.<subject>`` and ``unified.<subject>_link`` to what the records say now.

    Args:
        settings: of this installation.
        city: the compiled contracts.
        subject: ``person``, ``organisation`` or ``place``.
        batch_id: the night that it is done for.
        train: estimate the model anew and score all pairs again.

    Returns:
        The account of the links: every record that speaks of somebody has one.

    Raises:
        UserError: there is no such subject, or no dataset that speaks of it was ever loaded.
    """
    said = _identities(city, subject)
    result = BatchResult(dataset=f"link.{subject}", batch_id=batch_id, attempt=1, status="failed")
    recorder = Recorder()
    entry = Entry(result, recorder)
    with writing(settings, f"link_{subject}", batch_id) as (spark, lock):
        run = Run(spark, settings, subject, batch_id, recorder, lock)
        where = (tables.UNIFIED, f"{subject}_link")
        note = deliveries.noting(spark, settings, city, result.dataset)
        with recorded(spark, settings, lock, where, entry, note=note):
            _link(run, _loaded(run, said), entry, train=train)
    return result


def _identities(city: Manifest, subject: str) -> list[Identity]:
    if subject not in MEANINGS:
        hint = did_you_mean(subject, MEANINGS)
        raise UserError(f"{subject!r} is not linked; allowed are {choice(MEANINGS)}{hint}")
    found = identities(subject, city.datasets)
    if not found:
        raise UserError(
            f"no contract speaks of a {subject}: point columns to schemas/_columns/{subject}.yaml"
        )
    return found


def _loaded(run: Run, said: list[Identity]) -> list[Identity]:
    """The datasets that have a unified table; the others are named, not passed over."""
    found = []
    for identity in said:
        if tables.exists(run.spark, run.settings, tables.UNIFIED, identity.dataset.table):
            found.append(identity)
        else:
            log.warning("%s was never loaded: it links nobody", identity.dataset.id)
    if not found:
        names = ", ".join(i.dataset.id for i in said)
        raise UserError(f"nothing of {names} was ever loaded: run `civiclake load` first")
    return found


def _link(run: Run, said: list[Identity], entry: Entry, *, train: bool) -> None:
    step = run.recorder.step
    suit(run.spark, count_served(run, said))
    with step("read"):
        records = read_records(run, said)
        light = run.save(records.select(*_LIGHT), "records")
    with step("resolve"):
        resolve_profiles(run, records, light, train=train)
    with step("merge"):
        state = links.read_state(run.spark, run.settings, run.subject)
        linked = run.save(light.join(state.drop("edges", "model_id"), "profile_id"), "linked")
        _merge(run, linked, entry)
    run.clean()


_LIGHT = ("dataset", "record_key", "seen_at", "profile_id", "_identifier")
"""All that is kept of a record on the way: none of it is clear text."""


def _merge(run: Run, linked: DataFrame, entry: Entry) -> None:
    """Links first, then the things: run again after a crash, both find what is done."""
    result = entry.result
    entities, table = links.served(run.spark, run.settings, run.subject)
    changes = run.save(_link_changes(run, linked, run.spark.table(table)), "changes")
    _count(changes, linked.count(), result)
    if result.inserted + result.updated + result.deleted:
        moment = _moment(run, links.newest_link(run.spark, table))
        with run.fenced(tables.UNIFIED, f"{run.subject}_link", recall.said(entry, result)):
            links.merge_links(run.spark, table, run.subject, changes, moment)
    _merge_entities(run, linked, entities)
    for name in ("inserted", "updated", "unchanged", "deleted"):
        run.recorder.count("account", name, getattr(result, name))
    log.info(
        "%s: %d records, %d new links, %d changed, %d ended",
        run.subject, result.read, result.inserted, result.updated, result.deleted,
    )  # fmt: skip


def _link_changes(run: Run, linked: DataFrame, table: DataFrame) -> DataFrame:
    """Links that end (``_close``) and links that begin."""
    entity = f"{run.subject}_id"
    mine = linked.select(
        F.col("entity_id").alias(entity), "dataset", "record_key", "method",
        "match_probability", F.lit(run.batch_id).alias(c.BATCH),
    ).alias("s")  # fmt: skip
    opened = table.where(F.col("valid_to").isNull()).alias("t")
    key = (F.col("s.dataset") == F.col("t.dataset")) & (
        F.col("s.record_key") == F.col("t.record_key")
    )
    same = F.lit(True)
    for name in (entity, "method", "match_probability"):
        same = same & F.col(f"s.{name}").eqNullSafe(F.col(f"t.{name}"))
    both = mine.join(opened, key, "full_outer").where(~F.coalesce(same, F.lit(False)))
    names = [n for n, _ in links.link_columns(run.subject) if not n.startswith("valid_")]
    had, has = F.col("t.record_key").isNotNull(), F.col("s.record_key").isNotNull()
    ending = both.where(had).select(
        *[F.col(f"t.{n}") for n in names], F.lit(True).alias("_close"), has.alias("_goes_on")
    )
    beginning = both.where(has).select(
        *[F.col(f"s.{n}") for n in names], F.lit(False).alias("_close"), had.alias("_goes_on")
    )
    return ending.unionByName(beginning)


def _count(changes: DataFrame, records: int, result: BatchResult) -> None:
    counted = {
        (row["_close"], row["_goes_on"]): row["count"]
        for row in changes.groupBy("_close", "_goes_on").count().collect()
    }
    result.read = records
    result.inserted = counted.get((False, False), 0)
    result.updated = counted.get((False, True), 0)
    result.deleted = counted.get((True, False), 0)
    result.unchanged = records - result.inserted - result.updated


def _moment(run: Run, newest: datetime | None) -> datetime:
    """When the links change: the night's hour, but never before what is written already."""
    if _BATCH_ID.fullmatch(run.batch_id):
        night = datetime.strptime(run.batch_id, "%Y%m%dT%H%M%SZ")
    else:
        night = datetime.now(UTC).replace(tzinfo=None)
    return max(night, newest + timedelta(microseconds=1)) if newest else night


def _merge_entities(run: Run, linked: DataFrame, table: str) -> None:
    attributes = links.ATTRIBUTES[run.subject]
    values = [
        F.when(F.col("is_verified"), F.col("_identifier")).alias(name)
        if name == run.identifier
        else F.try_element_at("attributes", F.lit(name)).alias(name)
        for name, _ in attributes
    ]
    records = linked.select("entity_id", "dataset", "record_key", "seen_at", "is_verified", *values)
    rules = getattr(run.settings.linkage, run.subject)
    made = run.save(survive(records, run.subject, attributes, rules), "entities")
    if links.is_changed(run.spark, table, run.subject, made):
        with run.fenced(tables.UNIFIED, run.subject):
            links.merge_entities(run.spark, table, run.subject, made, run.batch_id)
