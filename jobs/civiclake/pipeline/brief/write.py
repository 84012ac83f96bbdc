"""``civiclake brief``: ask the lake, draw the pages, and put them where they are read."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from civiclake.contracts.model import Manifest
from civiclake.engine.session import connect, suit
from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.io.ops import alerts
from civiclake.local.files import write_whole
from civiclake.pipeline.brief import render
from civiclake.pipeline.brief.departments import departments, merged_at
from civiclake.pipeline.brief.gather import Lake
from civiclake.pipeline.brief.sheet import Brief
from civiclake.settings import Settings

log = logging.getLogger(__name__)
NEEDS = "needs.json"
"""Beside the pages: which DAGs a page's reader must be allowed to see."""
_DISTRICTS = "geography.divisions"


def write(settings: Settings, city: Manifest) -> list[Path]:
    """Write all pages, each whole; pages of what is no more are taken away.

    A page whose query fails says so, and stops no other.

    Returns:
        The files, the index first.

    Raises:
        UserError: a page's query fails; all are written by then.
    """
    spark = connect(settings)
    try:
        suit(spark, 0)
        brief = gather(spark, settings, city, datetime.now(UTC))
    finally:
        spark.stop()
    made = put(settings.brief_dir, brief)
    if brief.faults:
        raise UserError("; ".join(brief.faults))
    return made


def gather(spark: SparkSession, settings: Settings, city: Manifest, now: datetime) -> Brief:
    """All that the pages hold."""
    made = merged_at(spark, settings)
    lake = Lake(spark, settings, city, alerts.read(spark, settings), made, now)
    areas, names = _districts(spark, settings, city)
    sheets, faults = [], []
    for page in city.pages:
        try:
            sheets.append(lake.sheet(page))
        except UserError as error:
            faults.append(str(error))
            sheets.append(lake.failed(page, error))
    return Brief(
        made_at=now,
        sheets=tuple(sheets),
        faults=tuple(faults),
        departments=departments(spark, settings, city, made, now),
        areas=areas,
        names=names,
    )


def put(folder: Path, brief: Brief) -> list[Path]:
    """Write the pages into a folder."""
    # Some of it only few may see: who runs the platform opens it from disk, others by their login.
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
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
    table = _DISTRICTS.replace(".", "_")
    if _DISTRICTS not in known or not tables.exists(spark, settings, tables.UNIFIED, table):
        return {}, {}
    path = tables.by_path(settings, tables.UNIFIED, table)
    rows = spark.sql(f"SELECT code, name, boundary FROM {path}").collect()
    areas = {row["code"]: row["boundary"] for row in rows if row["boundary"]}
    return areas, {row["code"]: row["name"] for row in rows if row["name"]}
