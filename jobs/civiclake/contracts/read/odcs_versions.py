"""Contracts of earlier versions of the standard, read as what they say in today's words."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

API_VERSION = "v3.2.0"
"""What drafts are written in, and what is validated."""
READ = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", API_VERSION)
_OPEN_BOUNDS = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_MOMENTS = ("timestamp", "datetime")


def in_todays_words(data: dict[str, Any]) -> dict[str, Any]:
    """A contract as version 3.2.0 says the same.

    Version 3.1.0 is a part of it. Versions 3.0.x say an open bound by ``exclusiveMinimum: true``
    beside ``minimum``, a moment as a ``date`` whose physical type is one, and the metric of a
    quality rule by ``rule``.

    Args:
        data: a contract of any version that is read; left as it is.
    """
    version = data.get("apiVersion")
    if not isinstance(version, str) or not version.startswith("v3.0."):
        return data
    made = copy.deepcopy(data)
    for table in _mappings(made.get("schema")):
        _each(table.get("quality"), _name_metric)
        for column in _mappings(table.get("properties")):
            _each(column.get("quality"), _name_metric)
            _close_bounds(column.get("logicalTypeOptions"))
            _tell_moment(column)
    return made


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def _each(value: Any, change: Callable[[dict[str, Any]], None]) -> None:
    for item in _mappings(value):
        change(item)


def _name_metric(rule: dict[str, Any]) -> None:
    if rule.get("type", "library") == "library" and "rule" in rule and "metric" not in rule:
        rule["metric"] = rule.pop("rule")


def _close_bounds(options: Any) -> None:
    if not isinstance(options, dict):
        return
    for exclusive, bound in _OPEN_BOUNDS:
        if options.get(exclusive) is True and bound in options:
            options[exclusive] = options.pop(bound)
        elif isinstance(options.get(exclusive), bool):
            del options[exclusive]  # open at no bound, or closed, which needs no word


def _tell_moment(column: dict[str, Any]) -> None:
    physical = str(column.get("physicalType") or "").strip().lower()
    if column.get("logicalType") == "date" and physical.startswith(_MOMENTS):
        column["logicalType"] = "timestamp"
