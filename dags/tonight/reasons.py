"""Why rows were set aside, and which warnings they broke, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightly.plan import DatasetPlan
from tonight.rows import Batch, Count

_MEANINGS = {
    "malformed": "the record could not be read as a row of this file",
    "duplicate_key": "two rows of the batch have the same key and nothing says which is newer",
    "conflict_with_served": "differs from the served row of the same key and is not newer",
    "identical_rows": "the same as another row of its file, and served once; a list of things"
    " without an id wants `occurrence: equals`",
    "files_of_one_time": "another file of the very same time differs; the later name is served",
}


@dataclass(frozen=True)
class Reason:
    """One reason, what it means, and how many rows have it."""

    name: str
    meaning: str
    rows: int


def reasons_of(
    batch: Batch | None, counts: Sequence[Count], plan: DatasetPlan
) -> tuple[Reason, ...]:
    """Why rows of a batch were set aside, or would have been, were it not held."""
    found = _of(batch, counts, "reason")
    if not found and batch and batch.status != "merged":
        found = [c for c in _of(batch, counts, "rule") if not _is_warning(plan, c)]
    return _named(found, plan)


def warnings_of(
    batch: Batch | None, counts: Sequence[Count], plan: DatasetPlan
) -> tuple[Reason, ...]:
    """Rules that rows of a batch broke without being set aside, and what else is to be said."""
    broken = [c for c in _of(batch, counts, "rule") if _is_warning(plan, c)]
    return _named([*broken, *_of(batch, counts, "warning")], plan)


def _of(batch: Batch | None, counts: Sequence[Count], step: str) -> list[Count]:
    if batch is None:
        return []
    wanted = (batch.dataset, batch.batch_id, batch.attempt, step)
    return [c for c in counts if c.rows and (c.dataset, c.batch_id, c.attempt, c.step) == wanted]


def _is_warning(plan: DatasetPlan, count: Count) -> bool:
    rule = plan.rules.get(count.outcome)
    return rule is not None and not rule.sets_aside


def _named(counts: list[Count], plan: DatasetPlan) -> tuple[Reason, ...]:
    made = [Reason(c.outcome, _meaning(plan, c.outcome), c.rows) for c in counts]
    return tuple(sorted(made, key=lambda r: (-r.rows, r.name)))


def _meaning(plan: DatasetPlan, name: str) -> str:
    rule = plan.rules.get(name)
    return rule.description if rule else _MEANINGS.get(name, "")
