"""Nights of single datasets, fed from files: everything after the source is the real thing."""

from __future__ import annotations

import atexit
import copy
import hashlib
import hmac
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import pytest
from pyspark.sql import SparkSession

from civiclake import secrets
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, Manifest, Source, SourceKind
from civiclake.io.extract import extract
from civiclake.io.lake import quarantine, tables
from civiclake.io.ops import deliveries, ledger
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings, project_root

COUNTS = (
    "read", "inserted", "updated", "unchanged", "superseded", "late", "quarantined", "deleted",
)  # fmt: skip


def city() -> Manifest:
    root = project_root()
    return load_city(root / "schemas", root / "expectations")


@cache
def _empty_lakes() -> Path:
    """A folder for them, as long as this process lives: not the engines' own, which others see."""
    made = Path(tempfile.mkdtemp(prefix="civiclake-empty-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _have_ledger(engines: Settings, spark: SparkSession, made: Settings) -> None:
    """Give a lake on a disk the ledger's empty tables, which are made once for all: to make them
    takes a test longer than what it is about."""
    if made.lake_uri is not None or made.state.is_shared:
        return
    kept = engines.model_copy(update={"state_dir": _empty_lakes()})
    for table in (ledger.BATCHES, ledger.OUTCOMES, deliveries.TABLE):
        table.create(spark, kept)
    target = Path(made.lake) / tables.OPS
    if not target.exists():
        shutil.copytree(Path(kept.lake) / tables.OPS, target)


class Nights:
    """One dataset in a lake of its own: another state folder, the same engine."""

    def __init__(self, settings: Settings, spark: SparkSession, state: Path, dataset: Dataset):
        # The engine runs as root here and reads every folder; secrets stay those of the engine.
        self.settings = settings.model_copy(update={"state_dir": state})
        _have_ledger(settings, spark, self.settings)
        self.spark = spark
        self.secrets_from = settings
        self._moment = 1_450_000_000
        self._fed_from(state / "drops", dataset)

    def _fed_from(self, drops: Path, dataset: Dataset) -> None:
        self.drops = drops
        drops.mkdir(parents=True)
        source = Source(kind=SourceKind.FILES, location=f"{drops}/{dataset.name}/*.csv")
        self.dataset = dataset.model_copy(update={"source": source})

    def copied(self, state: Path) -> Self:
        """The same nights so far in another folder: from here each test goes on by itself."""
        made, here = copy.copy(self), self.settings.state_dir
        shutil.copytree(here, state, ignore=shutil.ignore_patterns("drops"), dirs_exist_ok=True)
        made.settings = self.settings.model_copy(update={"state_dir": state})
        made._fed_from(state / "drops", self.dataset)
        return made

    def deliver(self, content: str | bytes, name: str = "", at: int | None = None) -> Path:
        """Drop a file; each is an hour newer than the last, unless ``at`` says when."""
        self._moment += 3600
        moment = at or self._moment
        path = self.drops / self.dataset.name / (name or f"{moment}.csv")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (moment, moment))
        return path

    def run(self, batch_id: str, content: str | None = None) -> BatchResult:
        """Deliver, extract and load."""
        if content is not None:
            self.deliver(content)
        with self.keys():
            extract(self.settings, self.dataset, batch_id)
            return load(self.settings, self.dataset, batch_id)

    @contextmanager
    def keys(self) -> Iterator[None]:
        """The engine's token, which stands in another state folder."""
        with pytest.MonkeyPatch.context() as patch:
            token = secrets.get(self.secrets_from, "connect_token")
            patch.setenv(secrets.variable("connect_token"), token)
            yield

    def table(self, dataset: Dataset | None = None) -> list[dict[str, Any]]:
        """The unified table, without lineage, in key order."""
        found = dataset or self.dataset
        names = [col.name for col in found.unified_columns]
        table = self.spark.table(tables.by_path(self.settings, tables.UNIFIED, found.table))
        rows = table.select(*names).orderBy(*found.key).collect()
        return [{n: _text(row[n]) for n in names} for row in rows]

    def quarantine(self) -> list[dict[str, Any]]:
        """What is set aside: batch, row, status and reasons."""
        if not quarantine.exists(self.spark, self.settings, self.dataset):
            return []
        name = tables.by_path(self.settings, tables.QUARANTINE, self.dataset.table)
        rows = self.spark.table(name).orderBy("_batch_id", "_row").collect()
        return [
            {
                "batch": r["_batch_id"],
                "row": str(r["_row"]),
                "status": r["status"],
                "reasons": " ".join(sorted(r["reasons"])),
            }
            for r in rows
        ]

    def version(self) -> int:
        """Delta version of the unified table: unchanged means that nothing was written."""
        name = tables.by_path(self.settings, tables.UNIFIED, self.dataset.table)
        return int(self.spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]["version"])

    def pseudonym(self, value: str, domain: str) -> str:
        """What the engine makes of a value, worked out without it."""
        key = secrets.get(self.secrets_from, "pseudonym_key_k1").encode()
        made = hmac.new(key, f"{domain}\x1f{value}".encode(), hashlib.sha256).hexdigest()
        return f"k1:{made}"


def counts(result: BatchResult) -> dict[str, int]:
    """The account without its zeros."""
    return {name: getattr(result, name) for name in COUNTS if getattr(result, name)}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def age(folder: Path, days: int) -> None:
    """Let a table be older than it is: in its log, and by its files' times."""
    for path in folder.rglob("*.json"):
        text = re.sub(
            r'"(deletionTimestamp|timestamp|modificationTime|createdTime)":(\d+)',
            lambda m: f'"{m[1]}":{int(m[2]) - days * 86_400_000}',
            path.read_text(),
        )
        path.write_text(text)
    for pattern in (".*.crc", "*.crc", "*checkpoint*"):
        for path in (folder / "_delta_log").glob(pattern):
            path.unlink()
    for path in folder.rglob("*"):
        if path.is_file():
            moment = path.stat().st_mtime - days * 86_400
            os.utime(path, (moment, moment))
