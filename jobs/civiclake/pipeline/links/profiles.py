"""Who the records speak of: reading them with their clear text, and resolving profiles."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.read.identity import MEANINGS, Identity
from civiclake.engine.session import PSEUDONYM
from civiclake.io.lake import links
from civiclake.io.lake import tables as lake
from civiclake.io.lake.fence import fenced, own_commit
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops.ledger import Recorder
from civiclake.io.reading.raw_names import as_named
from civiclake.linkage import places, scoring
from civiclake.linkage.organisation import ORGANISATION
from civiclake.linkage.person import PERSON
from civiclake.linkage.profiles import PROFILE, derive
from civiclake.linkage.resolve import Former, Resolution, resolve
from civiclake.settings import Settings
from civiclake.steps.identities import (
    IDENTIFIER,
    current,
    identity_records,
    protected_fields,
    with_profiles,
)
from civiclake.steps.standardize import standardize

log = logging.getLogger(__name__)

_SUBJECTS = {PERSON.name: PERSON, ORGANISATION.name: ORGANISATION}


@dataclass
class Run:
    """A linkage under way."""

    spark: SparkSession
    settings: Settings
    subject: str
    batch_id: str
    recorder: Recorder
    lock: TableLock

    @contextmanager
    def fenced(
        self, layer: str, table: str, said: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """A commit of this linkage's own, or an error.

        Raises:
            FencedError: a younger linkage has written the table; nothing was written.
        """
        is_shared = (layer, table) == (links.LINK, links.MODEL)
        told = {"batch_id": self.batch_id, **(said or {})}
        with fenced(self.spark, self.lock, told, is_shared=is_shared) as signed:
            yield
        if not is_shared:  # of which another linkage may have made the newest commit
            own_commit(self.spark, self.settings, layer, table, signed)

    @property
    def fields(self) -> tuple[str, ...]:
        """The identifying fields of the subject."""
        return tuple(MEANINGS[self.subject])

    @property
    def identifier(self) -> str | None:
        """The field with a check digit, if the subject has one."""
        return IDENTIFIER.get(self.subject)

    @property
    def _staging(self) -> str:
        return lake.location(self.settings, lake.STAGING, f"link_{self.subject}")

    def save(self, frame: DataFrame, name: str) -> DataFrame:
        """Write a frame once and go on from what was written; never one with clear text."""
        path = f"{self._staging}/{name}"
        schema = frame.schema
        frame.write.mode("overwrite").parquet(path)
        return self.spark.read.schema(schema).parquet(path)

    def clean(self) -> None:
        """Drop what was saved."""
        lake.clear(self.settings, self._staging)


def count_served(run: Run, said: list[Identity]) -> int:
    """Rows of all unified tables that are read, which Delta's log knows."""
    tables = [lake.by_path(run.settings, lake.UNIFIED, i.dataset.table) for i in said]
    return sum(run.spark.table(name).count() for name in tables)


def read_records(run: Run, said: list[Identity]) -> DataFrame:
    """The identity records of all datasets, clear text among them: read, never written."""
    parts = [_read(run, identity) for identity in said]
    together = reduce(DataFrame.unionByName, parts)
    return with_profiles(together, run.subject, run.fields, _pseudonymize)


def _read(run: Run, identity: Identity) -> DataFrame:
    spark, settings, dataset = run.spark, run.settings, identity.dataset
    served = current(spark.table(lake.by_path(settings, lake.UNIFIED, dataset.table)))
    raw = None
    if protected_fields(identity):
        # Raw is kept by batch for ever: only those batches are read whose rows are served.
        batches = [row[0] for row in served.select(c.BATCH).distinct().collect()]
        kept = as_named(spark.table(lake.by_path(settings, lake.RAW, dataset.table)))
        raw = standardize(kept.where(F.col(c.BATCH).isin(batches)), dataset)
    return identity_records(served, raw, identity, run.fields)


def _pseudonymize(value: Column, domain: str) -> Column:
    return F.call_function(PSEUDONYM, value, F.lit(domain))


def resolve_profiles(run: Run, records: DataFrame, light: DataFrame, *, train: bool) -> None:
    """Bring the private state to tonight's profiles; nothing is read if they are the same."""
    state = links.read_state(run.spark, run.settings, run.subject)
    fingerprint = _fingerprint(run)
    changed = _compare(light, state, fingerprint)
    for name, count in changed.items():
        run.recorder.count("resolve", f"profiles_{name}", count)
    if not any(changed.values()) and not train:
        log.info("%s: no record speaks of anybody otherwise than before", run.subject)
        return
    profiles = _profiles(run, records)
    model, model_id = _model(run, profiles, fingerprint, train=train)
    found = _resolve(run, profiles, model, _former(state, model_id))
    run.recorder.count("resolve", "profiles_scored", found.scored)
    _write(run, found, model_id)


def _compare(light: DataFrame, state: DataFrame, fingerprint: str) -> dict[str, int]:
    """Profiles that are new, that are gone, and that another model has scored."""
    here = light.select(PROFILE).distinct().withColumn("_here", F.lit(True))
    both = here.join(state.select(PROFILE, "model_id"), PROFILE, "full_outer")
    known = F.col("model_id").isNotNull()
    row = both.agg(
        F.count_if(~known).alias("new"),
        F.count_if(F.col("_here").isNull()).alias("gone"),
        F.count_if(known & ~F.col("model_id").startswith(f"{fingerprint}-")).alias("outdated"),
    ).collect()[0]
    return {str(name): int(count) for name, count in row.asDict().items()}


def _profiles(run: Run, records: DataFrame) -> pa.Table:
    firsts = [F.first(field).alias(field) for field in run.fields]
    table: Any = records.groupBy(PROFILE).agg(*firsts).toArrow()
    # In one order, so that the same records always train the same model.
    return table.sort_by(PROFILE)


def _fingerprint(run: Run) -> str:
    """Of all that decides how a pair is scored: settings and the comparisons themselves."""
    linkage = run.settings.linkage
    said = [linkage.model_dump(mode="json", exclude={"person", "organisation", "place"})]
    said.append(getattr(linkage, run.subject).model_dump(mode="json", exclude=_AFTERWARDS))
    subject = _SUBJECTS.get(run.subject)
    compared = (subject.comparisons, subject.blocking, subject.training) if subject else ()
    text = json.dumps([said, repr(compared)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_AFTERWARDS = {"survivorship", "source_priority"}
"""Settings that decide what is served, and not who is who."""


def _model(run: Run, profiles: pa.Table, fingerprint: str, *, train: bool) -> tuple[str, str]:
    """The model in use, or a new one where there is none, or it knew too little to learn."""
    subject = _SUBJECTS.get(run.subject)
    if subject is None:
        return "", f"{fingerprint}-exact"
    least = run.settings.linkage.min_profiles
    found = links.newest_model(run.spark, run.settings, run.subject, fingerprint)
    if found and not train and not found[2] < least <= profiles.num_rows:
        return found[0], found[1]
    model = scoring.train(subject, derive(subject, profiles), _training(run))
    model_id = f"{fingerprint}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"
    log.info("%s: a model from %d profiles", run.subject, profiles.num_rows)
    row = (
        run.subject, fingerprint, model, model_id, profiles.num_rows, run.batch_id,
        datetime.now(UTC),
    )  # fmt: skip
    with run.fenced(links.LINK, links.MODEL):
        links.write_model(run.spark, run.settings, row)
    return model, model_id


def _training(run: Run) -> scoring.Training:
    linkage = run.settings.linkage
    return scoring.Training(
        seed=linkage.seed,
        max_pairs=linkage.max_pairs,
        min_profiles=linkage.min_profiles,
        recall=linkage.certain_recall,
    )


def _resolve(run: Run, profiles: pa.Table, model: str, former: Former) -> Resolution:
    subject = _SUBJECTS.get(run.subject)
    if subject is None:
        said = run.settings.linkage.place
        return places.resolve(profiles, former, said.cell_resolution, said.boundaries)
    threshold = getattr(run.settings.linkage, run.subject).threshold
    return resolve(subject, derive(subject, profiles), model, former, threshold)


def _former(state: DataFrame, model_id: str) -> Former:
    table: Any = state.select(PROFILE, "entity_id", "edges", "model_id").toArrow()
    ids: dict[str, str] = {}
    edges: list[scoring.Edge] = []
    scored: set[str] = set()
    for batch in table.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            ids[row[PROFILE]] = row["entity_id"]
            if row["model_id"] == model_id:
                scored.add(row[PROFILE])
                edges.extend((row[PROFILE], other, p) for other, p in row["edges"] or ())
    return Former(ids=ids, edges=tuple(edges), scored=frozenset(scored))


_UPLOAD = pa.schema(
    [
        (PROFILE, pa.string()),
        ("cluster", pa.string()),
        ("kept_id", pa.string()),
        ("method", pa.string()),
        ("match_probability", pa.float64()),
        ("is_verified", pa.bool_()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("edges", pa.map_(pa.string(), pa.float64())),
    ]
)


def _write(run: Run, found: Resolution, model_id: str) -> None:
    edges: dict[str, list[tuple[str, float]]] = {}
    for left, right, probability in found.edges:
        edges.setdefault(left, []).append((right, probability))
    columns: dict[str, list[Any]] = {name: [] for name in _UPLOAD.names}
    for profile, member in found.members.items():
        columns[PROFILE].append(profile)
        columns["cluster"].append(member.cluster)
        columns["kept_id"].append(found.kept.get(member.cluster))
        columns["method"].append(member.method)
        columns["match_probability"].append(member.match_probability)
        columns["is_verified"].append(profile in found.verified)
        columns["attributes"].append(list(found.attributes[profile].items()))
        columns["edges"].append(edges.get(profile, []))
    frame = run.spark.createDataFrame(pa.table(columns, schema=_UPLOAD))
    # A new id is made of the cluster's first profile and the night: keyed, and never an old one.
    seed = F.concat_ws("\x1f", "cluster", F.lit(run.batch_id))
    entity = F.coalesce(F.col("kept_id"), _pseudonymize(seed, run.subject))
    state = frame.withColumn("entity_id", entity).withColumn("model_id", F.lit(model_id))
    with run.fenced(links.LINK, run.subject):
        links.write_state(state, run.settings, run.subject)
