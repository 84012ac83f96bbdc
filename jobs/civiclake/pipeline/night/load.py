"""``civiclake load``: one landed batch of one dataset, from stage to account."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from statistics import median

from pyspark.sql import DataFrame

from civiclake import columns as c
from civiclake.contracts.model import Dataset, Load
from civiclake.engine.session import suit
from civiclake.errors import AccountError
from civiclake.io.lake import raw, tables
from civiclake.io.lake.lock import TableLock
from civiclake.io.landing.former import Former, files_of
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.store import Landing
from civiclake.io.ops.account import KINDS, BatchResult
from civiclake.io.ops.ledger import Circumstances, Entry
from civiclake.io.ops.recall import MERGED, said
from civiclake.io.verdict import data_docs, gx
from civiclake.local.disk import size_of, told_when_full, written_folders
from civiclake.pipeline.night import judge, merge, verdicts
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.decide import Changes, classify_rows
from civiclake.pipeline.night.unrenewed import pass_over
from civiclake.pipeline.recorded import Note, recorded
from civiclake.pipeline.watch import deliveries
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)

_USUAL_BATCHES = 7
"""How many batches before tell how many rows are usual."""

_NEEDS = 2
"""What a load writes at the least, in the sizes of what was landed: raw, staged and served rows
(20,000 rows of CSV: 1.8 times)."""

ReadRaw = Callable[[Batch], DataFrame]


def load(settings: Settings, dataset: Dataset, batch_id: str) -> BatchResult:
    """Load a landed batch; the same batch again changes nothing.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        batch_id: a batch that ``civiclake extract`` has landed.

    Returns:
        The batch's account.

    Raises:
        BatchHeld: the batch is not to be believed; the served table is as before.
        CivicLakeError: anything else that is wrong, in one sentence.
    """
    landing = Landing(settings)
    manifest = landing.manifest(dataset.id, batch_id)
    is_new = not landing.is_committed(dataset.id, batch_id)
    attempt = landing.next_attempt(dataset.id, batch_id)
    if manifest.unrenewed is not None:
        return pass_over(settings, dataset, manifest, attempt)

    with (
        landing.opened(dataset.id, batch_id) as batch_dir,
        writing(settings, dataset.table, batch_id) as (spark, lock),
    ):

        def read_raw(batch: Batch) -> DataFrame:
            return raw.stage(batch.spark, settings, dataset, manifest, batch_dir)

        def note(result: BatchResult) -> None:
            """Only the first merge of a batch is its delivery."""
            if is_new and result.status == MERGED:
                deliveries.note_merged(spark, settings, dataset, manifest)
            elif is_new and result.status == "held":
                deliveries.note_held(spark, settings, dataset, batch_id, manifest.created_at)

        batch = Batch(spark, settings, dataset, batch_id, attempt)
        compare_with_former(batch, landing.former(dataset.id), manifest)
        batch.is_small = suit(spark, manifest.rows)
        batch.needs = _NEEDS * size_of(batch_dir)
        batch.recorder.outcomes.append(("extract", "landed", manifest.rows, manifest.seconds))
        watermark = (manifest.watermark_from, manifest.watermark_to)
        result = run(batch, lock, read_raw, expected=manifest.rows, watermark=watermark, note=note)
        landing.mark_committed(dataset.id, batch_id)
    return result


def run(
    batch: Batch,
    lock: TableLock,
    read_raw: ReadRaw,
    *,
    expected: int | None = None,
    watermark: tuple[str | None, str | None] = (None, None),
    note: Note | None = None,
) -> BatchResult:
    """Take a batch through all steps and write it into the ledger, however it ends.

    Args:
        batch: the batch.
        lock: the right to write its table.
        read_raw: stages its rows and gives them back.
        expected: how many rows landing counted.
        watermark: what the batch was cut by, for the ledger.
        note: what else is to be written down, beside the ledger.
    """
    dataset = batch.dataset
    result = BatchResult(
        dataset=dataset.id, batch_id=batch.batch_id, attempt=batch.attempt, status="failed"
    )
    by = Circumstances(dataset.version, batch.rules_version, *watermark)
    entry = Entry(result, batch.recorder, by)
    where = (batch.layer, dataset.table)
    status = MERGED if batch.layer == tables.UNIFIED else "backfilled"
    with recorded(batch.spark, batch.settings, lock, where, entry, note=note, status=status):
        folders, within = written_folders(batch.settings), Path(batch.staging("x")).parent
        try:
            with told_when_full(batch.where, *folders, needed=lambda: batch.needs, within=within):
                _run_steps(batch, lock, read_raw, entry, expected)
        finally:
            _clean(batch)
    return result


def _run_steps(
    batch: Batch, lock: TableLock, read_raw: ReadRaw, entry: Entry, expected: int | None
) -> None:
    step, result = batch.recorder.step, entry.result
    with ThreadPoolExecutor(max_workers=1) as aside:
        warm = aside.submit(gx.warm_up)
        with step("stage"):
            rows = read_raw(batch)
        with step("judge"):
            judged = judge.judge_rows(batch, rows)
        _refuse_lost(batch, judged, expected)
        warm.result()
        # Both only read the judged rows; nothing is written to the lake before both are known.
        decided = aside.submit(classify_rows, batch, judged)
        with step("verdict"):
            _take_verdict(batch, judged, result)
        with step("classify"):
            changes = decided.result()
    warn(batch, changes.warnings, result)
    counted = count_up(batch, judged, changes)
    with step("merge"):
        if batch.follow_contract(lock):
            changes = classify_rows(batch, judged)
            counted = count_up(batch, judged, changes)
        merge.merge(batch, changes, lock, said(entry, counted))
    # After the merge: a replay that breaks off between the two finds its rows still claimed
    # and, run again, unchanged. The other way round they would be released and never merged.
    with step("set_aside"):
        result.reasons = merge.set_aside(batch, judged, changes)
    for name, count in result.reasons.items():
        batch.recorder.count("reason", name, count)
    write_down(batch, counted, result)


def _refuse_lost(batch: Batch, judged: judge.Judged, expected: int | None) -> None:
    """Landing and Spark must have read the same number of records."""
    if expected is not None and judged.read != expected:
        raise AccountError(
            f"{batch.where}: landing counted {expected} records, but {judged.read} were read back"
            " from raw; nothing was merged"
        )


def _take_verdict(batch: Batch, judged: judge.Judged, result: BatchResult) -> None:
    """Great Expectations judges the batch; its page is kept whatever it says."""
    frame, asked = verdicts.for_verdict(batch, judged)
    few = judged.read if batch.is_small else None
    verdict = gx.judge(frame, asked, batch.batch_id, few=few)
    docs = batch.settings.data_docs_dir
    result.data_docs = str(data_docs.write(docs, batch.dataset, batch.batch_id, verdict.page))
    result.read = judged.read
    result.warnings = {**judged.warnings, **batch.warnings}
    for name, rows in judged.by_rule.items():
        if rows:
            batch.recorder.count("rule", name, rows)
    for name, rows in batch.warnings.items():
        batch.recorder.count("drift", name, rows)
    warn(batch, judged.notes, result)
    warn(batch, batch.folded, result)
    for rule in verdict.rules:
        if rule.rule.id not in {*judged.by_rule, verdicts.UNBROKEN}:
            log.info("rule %s is judged by Great Expectations alone", rule.rule.id)
    verdicts.compare_counts(batch, judged, verdict)
    verdicts.hold_unless_sound(batch, judged, verdict)


def warn(batch: Batch, notes: Mapping[str, int], result: BatchResult) -> None:
    """Write down what is to be said of rows that break no rule."""
    for name, rows in notes.items():
        result.warnings[name] = result.warnings.get(name, 0) + rows
        batch.recorder.count("warning", name, rows)


def count_up(batch: Batch, judged: judge.Judged, changes: Changes) -> BatchResult:
    """What becomes of every row, before any of it is written.

    Raises:
        AccountError: the outcomes don't add up to what was read.
    """
    revoked = changes.rows(c.ACTION_REVOKE)
    counted = BatchResult(
        dataset=batch.dataset.id,
        batch_id=batch.batch_id,
        attempt=batch.attempt,
        status="failed",
        read=judged.read,
        inserted=changes.rows(c.ACTION_INSERT),
        updated=changes.rows(c.ACTION_UPDATE) + revoked,
        unchanged=changes.rows(c.ACTION_UNCHANGED) + changes.rows(c.ACTION_CONFIRM),
        superseded=judged.fates[c.FATE_SUPERSEDED],
        late=changes.rows(c.ACTION_LATE),
        quarantined=judged.set_aside + changes.rows(c.ACTION_CONFLICT),
        deleted=changes.rows(c.ACTION_DELETE) + revoked,
        revoked=revoked,
        corrected=changes.reported.get(c.ACTION_UPDATE, 0),
        backdated=changes.reported.get(c.ACTION_INSERT, 0),
    )
    counted.check(batch.where)
    return counted


def write_down(batch: Batch, counted: BatchResult, result: BatchResult) -> None:
    """Keep what became of every row."""
    for name in (*counted.outcomes, *KINDS):
        setattr(result, name, getattr(counted, name))
    for name in ("inserted", "updated", "unchanged", "late", "superseded", "quarantined"):
        batch.recorder.count("account", name, getattr(result, name))
    for name in KINDS:
        batch.recorder.count("kind", name, getattr(result, name))


def _clean(batch: Batch) -> None:
    """Staged rows are unprotected: they go as soon as the load ends."""
    if batch.settings.lake_uri is None:
        shutil.rmtree(Path(batch.staging("x")).parent, ignore_errors=True)


def snapshots(dataset: Dataset, former: Former, but: str = "") -> tuple[datetime, ...]:
    """When the merged snapshots of a dataset were taken.

    Args:
        dataset: the compiled contract; only snapshots have such times.
        former: the batches that are merged.
        but: a batch to leave out.
    """
    return former.taken(but) if dataset.load is Load.SNAPSHOT else ()


def compare_with_former(batch: Batch, former: Former, manifest: BatchManifest) -> None:
    """What other batches say about this one.

    Args:
        batch: the batch under way.
        former: the batches that are merged into the table.
        manifest: what the batch brought.
    """
    batch.landed_at = manifest.created_at
    if batch.dataset.load is not Load.SNAPSHOT and not batch.dataset.reads_by_watermark:
        batch.origins = {file.path: file.origin for file in manifest.files}
    usual = former.rows(manifest.created_at, _USUAL_BATCHES)
    if usual:
        batch.usual_rows = median(usual)
    reported = former.taken_before(manifest.created_at)
    if reported is not None:
        batch.reported_until = reported.date()
    batch.former, batch.brought = former, tuple(files_of(manifest))
    batch.snapshots = snapshots(batch.dataset, former, but=manifest.batch_id)
    if batch.dataset.load is Load.SNAPSHOT:
        batch.taken_at = manifest.taken_at
    batch.folded = manifest.folded
    batch.warnings = {
        f"new_column:{name}": manifest.rows for name in raw.new_columns(batch.dataset, manifest)
    }
