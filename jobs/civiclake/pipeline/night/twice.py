"""Keys with local times that clocks showed twice: told apart where a file tells, else named."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import AMBIGUOUS_PREFIX
from civiclake.contracts.rules.structural import AMBIGUOUS_TIME
from civiclake.pipeline.night.batch import Batch
from civiclake.steps import moments


def tell_apart(
    batch: Batch, rows: DataFrame, by_rule: Mapping[str, int]
) -> tuple[DataFrame, dict[str, int]]:
    """Give the second of two rows of one key and one such time the later instant.

    Hardly a night has such rows: it is looked for them only where they were counted.

    Args:
        batch: the batch under way.
        rows: its judged rows.
        by_rule: rows that break each rule.

    Returns:
        The rows, and how many were told apart, by the id of the rule that counted them.
    """
    told = {}
    for name in _unsure(batch, by_rule):
        later = batch.save(moments.told_apart(rows, batch.dataset, name), f"later_{name}")
        pairs = later.count()
        if pairs:
            rows = moments.with_later(rows, later, batch.dataset, name)
            told[f"{AMBIGUOUS_TIME}:{name}"] = 2 * pairs
    return rows, told


def name_reasons(
    batch: Batch, rows: DataFrame, decided: DataFrame | None, by_rule: Mapping[str, int]
) -> dict[str, int]:
    """Rows whose key is another row's because of such a time, by the reason that names it.

    Args:
        batch: the batch under way.
        rows: its judged rows.
        decided: what becomes of rows that share their key with another.
        by_rule: rows that break each rule.
    """
    names = _unsure(batch, by_rule)
    if decided is None or not names:
        return {}
    alike = decided.where(F.col(c.FATE) == c.FATE_DUPLICATE_KEY)
    found = {}
    for name in names:
        unsure = rows.where(F.col(AMBIGUOUS_PREFIX + name).isNotNull()).select(c.RECORD)
        found[f"{AMBIGUOUS_TIME}:{name}"] = alike.join(unsure, c.RECORD, "left_semi").count()
        alike = alike.join(unsure, c.RECORD, "left_anti")
    return {reason: count for reason, count in found.items() if count}


def _unsure(batch: Batch, by_rule: Mapping[str, int]) -> list[str]:
    """The columns of the key in whose times the two hours are to be told apart.

    Rows of a change log that share a key are versions of one thing, and those of a line list are
    all kept.
    """
    if batch.dataset.operation is not None or batch.dataset.occurrence is not None:
        return []
    names = moments.local_times_of_key(batch.dataset)
    return [name for name in names if by_rule.get(f"{AMBIGUOUS_TIME}:{name}")]
