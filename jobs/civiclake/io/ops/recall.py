"""Commits that the ledger has not heard of: each says itself what it did.

Between a table's commit and the ledger a process may be killed, or the disk be full. The commit
then stands, and the batch run again finds nothing left to change. So the commit carries its
account, and whoever holds the table's lock next writes it down, once: a commit is known by the
token of the lock under which it was made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake.io.lake import delta_log, tables
from civiclake.io.lake.delta_log import Commit
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import ledger
from civiclake.io.ops.account import CHANGES, KINDS, BatchResult
from civiclake.io.ops.ledger import Circumstances, Entry, Recorder
from civiclake.io.ops.table import OpsTable
from civiclake.settings import Settings

log = logging.getLogger(__name__)

ACCOUNT = "account"
"""Where a commit says what it did."""
UNDOES = "undoes"
"""Where a commit says which token's commit it takes back."""
MERGED = "merged"
_HISTORY = 20
"""How many commits back are looked at: every holder of the lock looks."""
_BY = ("contract_version", "rules_version", "watermark_from", "watermark_to", "code_version")


def said(entry: Entry, counted: BatchResult | None = None) -> dict[str, Any]:
    """What a commit leaves to be read, so that its account can't be lost.

    It tells of the rows that the commit changes, and of no others: what else becomes of a batch is
    settled after it, by the try that comes so far.

    Args:
        entry: the try under way.
        counted: what it changes; None where only the commit itself can count that.
    """
    result, by = entry.result, entry.by
    counts = {}
    if counted is not None:
        counts = {name: getattr(counted, name) for name in (*CHANGES, *KINDS)}
    return {
        "batch_id": result.batch_id,
        "attempt": result.attempt,
        ACCOUNT: {
            "dataset": result.dataset,
            "counts": counts,
            "started_at": entry.recorder.started_at.isoformat(),
            "seconds": round(entry.recorder.seconds, 2),
            **{name: getattr(by, name) for name in _BY},
        },
    }


def recall(
    spark: SparkSession, settings: Settings, lock: TableLock, layer: str, table: str
) -> None:
    """Write down what was committed to a table without the ledger's knowledge.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        lock: the right to write the table.
        layer: of the table.
        table: name without layer.
    """
    if not tables.exists(spark, settings, layer, table):
        return
    history = delta_log.commits(spark, settings, layer, table, _HISTORY)
    found = {commit.said["token"]: commit for commit in unheard(history, lock.accounted)}
    if not found:
        return
    entries = {token: read(commit) for token, commit in sorted(found.items())}
    dataset = next(iter(entries.values())).result.dataset
    for token in _lacking(spark, settings, ledger.OUTCOMES, dataset, entries):
        ledger.write_outcomes(spark, settings, entries[token])
    for token in _lacking(spark, settings, ledger.BATCHES, dataset, entries):
        entry = entries[token]
        log.warning("%s batch %s: %s", dataset, entry.result.batch_id, entry.result.message)
        ledger.write_account(spark, settings, entry)


def unheard(history: Sequence[Commit], accounted: int) -> Iterator[Commit]:
    """Commits with an account under a token of which it is not sure that the ledger knows it.

    Args:
        history: newest first.
        accounted: the newest token of which it is sure.
    """
    undone = set()
    for commit in history:
        token = commit.said.get("token")
        if not isinstance(token, int):  # by hand, or it changed no row
            continue
        if token <= accounted:
            return
        undone.add(commit.said.get(UNDOES))
        if isinstance(commit.said.get(ACCOUNT), dict) and token not in undone:
            yield commit


def read(commit: Commit) -> Entry:
    """The try that made a commit, as far as it came."""
    told = commit.said[ACCOUNT]
    counts = {name: int(n) for name, n in (told.get("counts") or {}).items()}
    if not counts:
        counts = {"inserted": commit.rows_written}
    result = BatchResult(
        dataset=str(told["dataset"]),
        batch_id=str(commit.said["batch_id"]),
        attempt=int(commit.said["attempt"]),
        status=MERGED,
        read=counts.get("inserted", 0) + counts.get("updated", 0),
        message=f"it broke off after its commit of version {commit.version}, which tells this",
        seconds=float(told.get("seconds", 0.0)),
    ).model_copy(update=counts)
    recorder = Recorder(started_at=datetime.fromisoformat(told["started_at"]))
    for name in CHANGES[:2]:
        recorder.count("account", name, getattr(result, name))
    for name in KINDS:
        recorder.count("kind", name, getattr(result, name))
    by = Circumstances(
        token=int(commit.said["token"]), **{name: told.get(name) for name in _BY if name in told}
    )
    return Entry(result, recorder, by)


def _lacking(
    spark: SparkSession,
    settings: Settings,
    table: OpsTable,
    dataset: str,
    tokens: Mapping[int, Entry],
) -> list[int]:
    """Those of which a table of the ledger does not say that they were merged."""
    if not table.exists(spark, settings):
        return list(tokens)
    is_told = F.col("status") == MERGED if table is ledger.BATCHES else F.col("step") == "account"
    mine = (F.col("dataset") == dataset) & F.col("token").isin(list(tokens)) & is_told
    known = {r[0] for r in table.rows(spark, settings).where(mine).select("token").collect()}
    return [token for token in tokens if token not in known]
