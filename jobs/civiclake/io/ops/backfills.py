"""``ops.backfills``: what was built beside a served table, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake.io.landing.manifest import BACKFILL_PREFIX
from civiclake.io.ops.table import OpsTable
from civiclake.settings import Settings

STAGED, SWAPPED, REFUSED = "staged", "swapped", "refused"
SUPERSEDED, FAILED = "superseded", "failed"


class Backfill(BaseModel):
    """One step in the life of a backfill; the newest is how it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    backfill_id: str
    state: str
    """``staged``, ``swapped``, ``refused``, ``superseded`` or ``failed``."""
    first_day: str | None = None
    last_day: str | None = None
    source: str = "landing"
    """Read again from ``landing`` or from the ``source``."""
    batches: int = 0
    """How many batches were applied, those after the range among them."""
    base_version: int | None = None
    """Version of the served table that it was built on; None: from nothing."""
    served_version: int | None = None
    """Newest version of the served table when it was built: the swap's fence."""
    only_served: int | None = None
    only_staged: int | None = None
    changed: int | None = None
    same: int | None = None
    difference: str | None = None
    """File that tells the difference."""
    evidence_version: int | None = None
    """Version of the served table that the swap replaced."""
    swapped_version: int | None = None
    message: str = ""
    recorded_at: str = ""
    """UTC, ISO 8601."""

    @property
    def read_batch(self) -> str | None:
        """The batch that it read from the source, if it read that."""
        return f"{BACKFILL_PREFIX}{self.backfill_id}" if self.source == "source" else None


TABLE = OpsTable(
    "backfills",
    tuple(
        (name, "bigint" if "int" in str(field.annotation) else "string")
        for name, field in Backfill.model_fields.items()
    ),
    "backfills, step by step",
)


def record(spark: SparkSession, settings: Settings, row: Backfill) -> Backfill:
    """Add one step."""
    row = row.model_copy(update={"recorded_at": datetime.now(UTC).isoformat()})
    said = row.model_dump()
    TABLE.append(spark, settings, [tuple(said[name] for name, _ in TABLE.columns)])
    return row


def of(spark: SparkSession, settings: Settings, dataset_id: str) -> dict[str, Backfill]:
    """How each backfill of a dataset stands, oldest first."""
    if not TABLE.exists(spark, settings):
        return {}
    mine = TABLE.rows(spark, settings).where(F.col("dataset") == dataset_id)
    rows = mine.orderBy("recorded_at").collect()
    return {row["backfill_id"]: Backfill.model_validate(row.asDict()) for row in rows}
