"""What the standing pages were made from: the same again need not be written anew.

A page depends on versions of marts, on alerts, on the ledger, and on which promises are broken by
now. Ages stand on the pages as well, so that those of another day are never the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from civiclake.contracts.inputs import address
from civiclake.contracts.model import Manifest
from civiclake.io.lake import delta_log, tables
from civiclake.io.ops import alerts
from civiclake.io.ops.alerts import AlertRow
from civiclake.local.files import write_whole
from civiclake.pipeline.brief.departments import departments, merged_at
from civiclake.pipeline.brief.sheet import Department
from civiclake.settings import Settings

FILE = "made-from.json"
"""Beside the pages: what they were made from, and each page's SHA-256."""
DISTRICTS = "geography.divisions"


@dataclass(frozen=True)
class Known:
    """What is asked of the lake first, whether or not pages are made of it."""

    now: datetime
    alerts: Sequence[AlertRow]
    made: Mapping[str, datetime]
    """When each dataset, mart and kind of link was merged last, by id."""
    departments: tuple[Department, ...]


def ask(spark: SparkSession, settings: Settings, city: Manifest, now: datetime) -> Known:
    """Alerts and ledger as they are."""
    made = merged_at(spark, settings)
    told = departments(spark, settings, city, made, now)
    return Known(now, alerts.read(spark, settings), made, told)


def mark(
    spark: SparkSession,
    settings: Settings,
    city: Manifest,
    known: Known,
    late: Iterable[str],
) -> str:
    """SHA-256 over all that the pages would be made from.

    Args:
        spark: asked for versions where the lake is on no local disk.
        settings: says where the lake is.
        city: the compiled contracts.
        known: alerts and ledger.
        late: ids of marts that are older than promised.
    """
    read = dict.fromkeys([name for page in city.pages for name in page.marts])
    inputs = {name for mart in city.marts if mart.id in read for name in mart.inputs}
    datasets = {one.id for one in city.datasets} & {*inputs, DISTRICTS}
    places = [address(name) for name in sorted({*read, *datasets})]
    # What waits in quarantine is told of each input.
    places += [(tables.QUARANTINE, table) for layer, table in places if layer == tables.UNIFIED]
    versions = [
        delta_log.newest(spark, settings, *place).version
        if tables.exists(spark, settings, *place)
        else None
        for place in places
    ]
    facts = [
        f"{known.now:%Y-%m-%d}", city.fingerprint, city.pages, city.marts, sorted(late), places,
        versions, known.departments, known.alerts, _program(),
    ]  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def standing(folder: Path, found: str) -> list[Path]:
    """The pages, the index first, if they stand as they were made from the same; else none."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        pages = {str(name): str(digest) for name, digest in told["pages"].items()}
        if told["from"] != found or not pages:
            return []
        if any(_digest((folder / name).read_bytes()) != digest for name, digest in pages.items()):
            return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [folder / name for name in pages]


def keep(folder: Path, found: str, pages: Sequence[Path]) -> None:
    """Note what the pages were made from."""
    told = {"from": found, "pages": {path.name: _digest(path.read_bytes()) for path in pages}}
    write_whole(folder / FILE, json.dumps(told, indent=1), mode=0o644)


def _program() -> str:
    """What draws the pages."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".html", ".css"):
            found.update(path.read_bytes())
    return found.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
