"""Two versions of a contract's rules: loosened, or tightened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from civiclake.contracts.diff.model import Change, breaking, compatible
from civiclake.contracts.model import Dataset, Mart, Rule, Severity

_OF_COLUMNS = ("required", "type", "code", "replaced", "reference")
"""Kinds of rules that follow from what a column is, which is compared there."""
_REMEDY = "rows that passed are set aside from now on: ask the department first"


def rule_changes(
    old: Dataset | Mart, new: Dataset | Mart, kept: frozenset[str]
) -> Iterator[Change]:
    """Changes of the contract's rules, on columns that both versions have.

    Args:
        old: the contract before.
        new: the contract after.
        kept: names of the columns that stand in both.
    """
    before, after = _rules(old, kept), _rules(new, kept)
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if now is None:
            yield compatible("rule_dropped", f"rules.{name}", "is dropped")
        elif was is None:
            yield _tightened("rule_added", name, "is new", now.severity)
        else:
            yield from _compare(name, was, now)


def _rules(dataset: Dataset | Mart, kept: frozenset[str]) -> dict[str, Rule]:
    found = {}
    for rule in dataset.rules:
        kind, _, column = rule.id.partition(":")
        of_kept = "column" not in rule.kwargs or column in kept
        if rule.origin == "contract" and kind not in _OF_COLUMNS and of_kept:
            found[rule.id] = rule
    return found


def _tightened(kind: str, name: str, said: str, severity: Severity) -> Change:
    if severity is Severity.CRITICAL:
        return breaking(kind, f"rules.{name}", said, _REMEDY)
    return compatible(kind, f"rules.{name}", f"{said}, as a {severity}")


def _compare(name: str, was: Rule, now: Rule) -> Iterator[Change]:
    if was.severity is not now.severity:
        said = f"was {was.severity}, is {now.severity}"
        if now.severity is Severity.CRITICAL:
            yield _tightened("rule_tightened", name, said, now.severity)
        else:
            yield compatible("rule_loosened", f"rules.{name}", said)
    if was.expectation == now.expectation and was.kwargs == now.kwargs:
        return
    said = f"was {_words(was)}, is {_words(now)}"
    if is_looser(was, now):
        yield compatible("rule_loosened", f"rules.{name}", said)
    else:
        yield _tightened("rule_tightened", name, said, now.severity)


def is_looser(was: Rule, now: Rule) -> bool:
    """Whether everything that passed the old rule surely passes the new one."""
    if was.expectation != now.expectation:
        return False
    bounds = ("min_value", "max_value", "strict_min", "strict_max")
    known = {*bounds, "value_set", "column"}
    if {*was.kwargs, *now.kwargs} - known:
        return False  # such as two patterns: nobody can tell
    low = _reaches(was.kwargs, now.kwargs, "min_value", "strict_min", lower=True)
    high = _reaches(was.kwargs, now.kwargs, "max_value", "strict_max", lower=False)
    values = set(map(str, was.kwargs.get("value_set") or ()))
    return low and high and values <= set(map(str, now.kwargs.get("value_set") or ()))


def _reaches(
    was: dict[str, Any], now: dict[str, Any], bound: str, strict: str, *, lower: bool
) -> bool:
    """Whether the new bound lies where the old one did, or further out."""
    old, new = was.get(bound), now.get(bound)
    if new is None:
        return True
    if old is None or isinstance(old, str) != isinstance(new, str):
        return False
    if old == new:
        return bool(was.get(strict)) or not now.get(strict)
    return bool(new < old) if lower else bool(new > old)


def _words(rule: Rule) -> str:
    said = [f"{k} {v}" for k, v in sorted(rule.kwargs.items()) if k != "column"]
    return ", ".join(said) or rule.expectation
