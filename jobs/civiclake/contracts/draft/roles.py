"""What part a column may take in a key: a name of things, a dimension, or what is measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum

_ID_NAME = re.compile(
    r"(.*_)?(id|ids|objectid|fid|gid|oid|code|no|nr|num|number|key|uuid|guid|bh|ref|reference|isin|iban|serial)"
    r"|(id|code|cod|codigo|num)_.*"
)
_TIME_NAME = re.compile(
    r"(.*_)?(year|years|yr|month|mon|week|wk|day|days_of_week|weekday|hour|quarter|date|period"
    r"|semester|season|ano|anio|annee|jahr|monat|woche|tag|stunde|mes|semana|dia|mois|semaine"
    r"|jour|rok|anno|epiweek|yearweek)"
)
_PLACE_NAME = re.compile(
    r"(.*_)?(region|district|ward|zone|sector|precinct|area|line|route|stop|station|site|level"
    r"|grade|class|category|type|kind|group|sequence|seq|rank|version|position|lane|gate|platform)"
)
_COUNTED = frozenset({
    "amount", "amounts", "avg", "average", "balance", "budget", "capacity", "case", "cases",
    "cfr", "cost", "costs", "count", "counts", "dead", "death", "deaths", "density",
    "duration", "height", "humidity", "incidence", "injured", "killed", "length", "max",
    "mean", "median", "min", "n", "pct", "per", "percent", "percentage", "pop", "population",
    "precipitation", "price", "qty", "quantity", "rate", "rates", "ratio", "revenue", "score",
    "share", "size", "speed", "std", "stddev", "sum", "temp", "temperature", "total", "totals",
    "turnover", "value", "values", "victims", "visits", "visitors", "volume", "wage", "weight",
    "wounded", "anzahl", "summe", "wert", "betrag", "casos", "muertes", "total_de", "cantidad",
    "valor", "nombre", "montant", "valeur", "poblacion", "obitos",
})  # fmt: skip
"""Words of what is counted or measured; a name that holds one is no part of a key."""
_COUNTING_NAME = re.compile(r"(the_)?(number|num|no|nr|count|anzahl|sum|total)_of_.*")
_TEXT_NAME = re.compile(
    r"(.*_)?(note|notes|comment|comments|remark|remarks|description|text|caveats?|statement|url"
    r"|link|page|website|photo|image|geometry|the_geom|shape|details?|summary|reason)(_.*)?"
)
_LONGEST_NAME = 60
"""Characters in the mean; what is longer is a text that somebody wrote."""
_MOST_EVEN = 400
_EVEN = 2.0
"""How often the most frequent value of a dimension stands, for each time of the mean."""
_LARGE = 1000
"""Steps of a dimension are smaller, such as hours, ages and numbers of wards."""
_MANY = 20
"""So few counts may happen to be 1, 2, 3 and so on."""
_SAME_DIGITS = 8
_YEARS = (1900, 2100)


class Role(IntEnum):
    """What a column is to a key; the lower, the more it is one."""

    NAMED = 0
    """Its name says that it names things."""
    DIMENSION = 1
    """A code, a place's name, a date: one of several that make a key."""
    POSITION = 2
    """A running number without a name: the row's place in one export."""
    NONE = 3
    """What is counted, measured or written about the thing."""


def role_of(name: str, logical: str, counted: Mapping[str, int], *, unnamed: bool = False) -> Role:
    """A column's part in a key, by its name and its values.

    Args:
        name: in snake case.
        logical: the logical type that it was guessed to be.
        counted: its different values with their number, without the empty ones.
        unnamed: whether the source gives it no name.
    """
    if not counted or logical in ("number", "boolean"):
        return Role.NONE
    if unnamed:
        return Role.POSITION if logical == "integer" and _is_running(counted, 2) else Role.NONE
    if _TEXT_NAME.fullmatch(name) and not _ID_NAME.fullmatch(name):
        return Role.NONE
    if logical == "integer":
        return _of_integers(name, counted)
    if logical == "string" and (_is_prose(counted) or _is_nested(counted)):
        return Role.NONE
    return Role.NAMED if _ID_NAME.fullmatch(name) else Role.DIMENSION


def _of_integers(name: str, counted: Mapping[str, int]) -> Role:
    """Whole numbers are counts unless name or values say that they name something."""
    if _COUNTING_NAME.fullmatch(name):
        return Role.NONE
    if _ID_NAME.fullmatch(name):
        return Role.NAMED
    if _TIME_NAME.fullmatch(name):
        return Role.DIMENSION
    if not _COUNTED.isdisjoint(name.split("_")):
        return Role.NONE
    if _PLACE_NAME.fullmatch(name):
        return Role.DIMENSION
    if _is_running(counted, _MANY) or _is_long_and_unique(counted):
        return Role.NAMED
    years = all(_YEARS[0] <= int(value) <= _YEARS[1] for value in counted)
    return Role.DIMENSION if years or _is_even(counted) else Role.NONE


def _is_running(counted: Mapping[str, int], least: int) -> bool:
    """1, 2, 3 and so on, each once, with few gaps."""
    if len(counted) < least or sum(counted.values()) != len(counted):
        return False
    values = [int(value) for value in counted]
    return min(values) in (0, 1) and max(values) - min(values) < 1.2 * len(values) + 2


def _is_long_and_unique(counted: Mapping[str, int]) -> bool:
    digits = {len(value) for value in counted}
    unique = sum(counted.values()) == len(counted)
    return unique and len(digits) == 1 and min(digits) >= _SAME_DIGITS


def _is_even(counted: Mapping[str, int]) -> bool:
    """Every value about as often as any other, as in a table of all combinations."""
    mean = sum(counted.values()) / len(counted)
    small = 1 < len(counted) <= _MOST_EVEN and all(abs(int(v)) < _LARGE for v in counted)
    return small and mean >= 2 and max(counted.values()) <= _EVEN * mean


def _is_nested(counted: Mapping[str, int]) -> bool:
    """JSON text of an object or a list."""
    return all(value[:1] in ("{", "[") and value[-1:] in ("}", "]") for value in counted)


def _is_prose(counted: Mapping[str, int]) -> bool:
    total = sum(counted.values())
    mean = sum(len(value) * count for value, count in counted.items()) / total
    return mean > _LONGEST_NAME or any("\n" in value for value in counted)
