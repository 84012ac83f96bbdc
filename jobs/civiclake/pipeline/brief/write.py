"""``civiclake brief``: ask the lake, draw the pages, and put them where they are read."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from civiclake.contracts.model import Manifest
from civiclake.engine.session import connect, suit
from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.local.files import write_whole
from civiclake.pipeline.brief import made_from, render
from civiclake.pipeline.brief.gather import Lake
from civiclake.pipeline.brief.made_from import DISTRICTS, Known
from civiclake.pipeline.brief.sheet import Brief
from civiclake.settings import Settings

log = logging.getLogger(__name__)
NEEDS = "needs.json"
"""Beside the pages: which DAGs a page's reader must be allowed to see."""


@dataclass(frozen=True)
class Written:
    """The pages as they stand."""

    files: list[Path]
    """The index first."""
    is_new: bool
    """Whether they were written now: what they are made from had changed."""


def write(settings: Settings, city: Manifest) -> Written:
    """Write all pages, each whole; pages of what is no more are taken away.

    Pages that were made today of the same stay as they are. A page whose query fails says so, and
    stops no other.

    Raises:
        UserError: a page's query fails; all are written by then.
    """
    spark = connect(settings)
    try:
        suit(spark, 0)
        known = made_from.ask(spark, settings, city, datetime.now(UTC))
        lake = Lake(spark, settings, city, known.alerts, known.made, known.now)
        found = made_from.mark(spark, settings, city, known, lake.late())
        files = made_from.standing(settings.brief_dir, found)
        if files:
            log.info("nothing has changed: %d pages stay as they are", len(files))
            return Written(files, is_new=False)
        brief = gather(spark, settings, city, known)
    finally:
        spark.stop()
    files = put(settings.brief_dir, brief)
    if brief.faults:
        raise UserError("; ".join(brief.faults))
    made_from.keep(settings.brief_dir, found, files)
    return Written(files, is_new=True)


def gather(spark: SparkSession, settings: Settings, city: Manifest, known: Known) -> Brief:
    """All that the pages hold."""
    lake = Lake(spark, settings, city, known.alerts, known.made, known.now)
    areas, names = _districts(spark, settings, city)
    sheets, faults = [], []
    for page in city.pages:
        try:
            sheets.append(lake.sheet(page))
        except UserError as error:
            faults.append(str(error))
            sheets.append(lake.failed(page, error))
    return Brief(
        made_at=known.now,
        sheets=tuple(sheets),
        faults=tuple(faults),
        departments=known.departments,
        areas=areas,
        names=names,
    )


def put(folder: Path, brief: Brief) -> list[Path]:
    """Write the pages into a folder."""
    # Some of it only few may see: who runs the platform opens it from disk, others by their login.
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    (folder / made_from.FILE).unlink(missing_ok=True)
    found = render.pages(brief)
    for name, text in found.items():
        write_whole(folder / name, text, mode=0o644)
    write_whole(folder / NEEDS, json.dumps(render.needs(brief), indent=1), mode=0o644)
    for path in folder.glob("*.html"):
        if path.name not in found:
            path.unlink()
    log.info("%d pages in %s", len(found), folder)
    return [folder / name for name in found]


def _districts(
    spark: SparkSession, settings: Settings, city: Manifest
) -> tuple[dict[str, str], dict[str, str]]:
    """Boundaries and names of the districts, where there are any."""
    known = {dataset.id for dataset in city.datasets}
    table = DISTRICTS.replace(".", "_")
    if DISTRICTS not in known or not tables.exists(spark, settings, tables.UNIFIED, table):
        return {}, {}
    path = tables.by_path(settings, tables.UNIFIED, table)
    rows = spark.sql(f"SELECT code, name, boundary FROM {path}").collect()
    areas = {row["code"]: row["boundary"] for row in rows if row["boundary"]}
    return areas, {row["code"]: row["name"] for row in rows if row["name"]}
