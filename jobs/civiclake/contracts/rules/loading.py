"""Rules that follow from how a dataset is loaded: known operations, what a wrong type does, and a
sequence that lies in the future."""

from __future__ import annotations

from collections.abc import Sequence

from civiclake.contracts.loading import ChangedType
from civiclake.contracts.model import AHEAD_PREFIX, UNCAST_PREFIX, Column, Rule, Severity
from civiclake.contracts.read.extension import DatasetExtension

TYPE = "type:"
"""Start of the id of the rules that find values of another type."""
FUTURE = "future_sequence"
"""Kind of the rule that finds a sequence ahead of every clock."""
_MOMENTS = ("date", "timestamp")


def follow(
    rules: Sequence[Rule], own: DatasetExtension, columns: Sequence[Column]
) -> tuple[Rule, ...]:
    """The contract's rules as its ``load`` and ``drift`` want them.

    Args:
        rules: the rules of the columns and of the batch.
        own: the contract's ``civiclake`` entry.
        columns: the compiled columns.
    """
    found = list(rules)
    if own.drift.changed_type is ChangedType.DISCARD_VALUE:
        # A required column can't do without its value: there the row is set aside still.
        spared = {f"{UNCAST_PREFIX}{c.name}" for c in columns if not c.required}
        soft = {"severity": Severity.WARNING}
        found = [r.model_copy(update=soft) if _is_type(r, spared) else r for r in found]
    if own.operation is not None and own.known_operations:
        found.append(_known(own.operation, sorted(own.known_operations)))
    if own.limits.max_ahead_seconds is not None:
        moments = (c for c in columns if c.name == own.sequence and c.spark_type in _MOMENTS)
        found += [_not_ahead(column.name, own.limits.max_ahead) for column in moments]
    return tuple(found)


def _not_ahead(column: str, most: str) -> Rule:
    return Rule(
        id=f"{FUTURE}:{column}",
        expectation="expect_column_values_to_be_null",
        kwargs={"column": f"{AHEAD_PREFIX}{column}"},
        description=(
            f"{column} is at most {most} after the moment in which the batch was landed"
            " (limits.max_ahead)"
        ),
    )


def _is_type(rule: Rule, columns: set[str]) -> bool:
    return rule.id.startswith(TYPE) and rule.kwargs.get("column") in columns


def _known(column: str, words: list[str]) -> Rule:
    return Rule(
        id=f"operation:{column}",
        expectation="expect_column_values_to_be_in_set",
        kwargs={"column": column, "value_set": words},
        description=f"{column} is one of {words}",
    )
