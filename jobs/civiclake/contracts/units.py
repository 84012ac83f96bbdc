"""Whether a figure says in which unit it is: its name ends in it, or its description names it."""

from __future__ import annotations

import re

_ENDINGS = {
    "s", "min", "h", "days", "years", "m", "km", "mm", "m2", "km2", "c", "kmh", "share", "percent",
    "index", "ratio", "yuan", "amount", "fte", "score", "seconds", "minutes", "hours", "metres",
    "kilometres",
}  # fmt: skip
_WORDS = re.compile(
    r"\b(?:(?:milli|kilo|centi)?(?:met(?:re|er)|second)|minute|hour|day|week|month|year|degree|percent"
    r"|yuan|share|ratio|index|coefficient|probability|score|number|count|place|seat|person|child(?:ren)?"
    r"|point|gini|theil|equivalent|unit|per|for each|m|km|mm|km/h|m/s)s?\b|[%°]",
    re.IGNORECASE,
)


def says_unit(name: str, description: str) -> bool:
    """Whether a reader can tell what a number counts, or that it has no unit.

    Args:
        name: of a column, such as ``delay_mean_s``.
        description: what its contract says of it.
    """
    is_named = name.rpartition("_")[2] in _ENDINGS or "_per_" in name
    return is_named or bool(_WORDS.search(description))
