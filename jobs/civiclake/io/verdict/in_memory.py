"""The rows of a small batch as Great Expectations' pandas engine judges them like its Spark engine.

Asked over Spark, Great Expectations costs a small batch as much as all of its own work. Its two
engines read some things differently (nulls in pairs, regular expressions, decimals beside
floats): what is handed over here is only what both are known to read alike, and
``tests/spark/test_rules.py`` holds them equal. For all else there is no answer, and Spark is asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from civiclake.contracts.model import Rule
from civiclake.contracts.read.patterns import TRUE_END

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 1_000_000
"""So many values are a hundred megabytes as Python has them, and no longer judged sooner."""
_EXACT = 2**53
"""Whole numbers below are floats without loss."""
_DIGITS = 15
"""Decimals of so many digits are floats, and no two of them the same one."""
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31, which are all that Python knows, in days since 1970."""
_DAY_US = 86_400_000_000
_NEAR = 1e-9
"""A measure of floats depends on the order of adding in its last digits. So near to a bound, Spark
is asked."""
_READ_OTHERWISE = re.compile(r"\\[A-Za-z]|\.|\(\?(?![:=!])")
"""Parts of a regular expression that Java and Python read alike in plain texts only."""
_PLAIN = r"^[ -~]*$"

_NUMBERS = ("float", "int")
_ALL = ("text", "float", "int", "money", "day", "moment", "flag")
_KINDS: Mapping[str, tuple[str, ...]] = {
    "expect_column_values_to_be_null": _ALL,
    "expect_column_values_to_not_be_null": _ALL,
    "expect_column_values_to_be_between": (*_NUMBERS, "money", "day", "moment"),
    "expect_column_value_lengths_to_be_between": ("text",),
    "expect_column_value_lengths_to_equal": ("text",),
    "expect_column_values_to_be_in_set": ("text", *_NUMBERS),
    "expect_column_values_to_not_be_in_set": ("text", *_NUMBERS),
    "expect_column_values_to_match_regex": ("text",),
    "expect_column_values_to_not_match_regex": ("text",),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        "text", *_NUMBERS, "money", "day", "moment",
    ),
    "expect_column_pair_values_to_be_equal": ("text", *_NUMBERS, "money", "day", "moment"),
    "expect_column_mean_to_be_between": _NUMBERS,
    "expect_column_stdev_to_be_between": _NUMBERS,
    "expect_column_sum_to_be_between": _NUMBERS,
    "expect_column_proportion_of_non_null_values_to_be_between": _ALL,
    "expect_column_proportion_of_unique_values_to_be_between": ("text", "int", "day", "moment"),
    "expect_column_unique_value_count_to_be_between": ("text", "int", "day", "moment"),
    "expect_column_values_to_be_unique": ("text", "int", "day", "moment"),
    "expect_compound_columns_to_be_unique": ("text", "int", "day", "moment"),
    "expect_column_distinct_values_to_be_in_set": ("text",),
    "expect_column_distinct_values_to_contain_set": ("text",),
    "expect_table_row_count_to_be_between": (),
    "expect_table_row_count_to_equal": (),
}  # fmt: skip
"""Of every type of rule that both engines judge alike, the kinds of columns that they do it for."""
_MEASURES = ("mean", "stdev", "sum")
_NAMES = ("column", "column_A", "column_B")
_ARGUMENTS = frozenset(
    {
        *_NAMES, "column_list", "min_value", "max_value", "strict_min", "strict_max", "value",
        "value_set", "regex", "or_equal", "ignore_row_if", "mostly",
    }
)  # fmt: skip
_EITHER = "either_value_is_missing"


def columns_of(rules: Sequence[Rule]) -> list[str] | None:
    """The columns that rules look at.

    Args:
        rules: all rules of a batch.

    Returns:
        Their names; None if any rule is not known to be judged alike, whatever the rows are.
    """
    found: dict[str, None] = {}
    for rule in rules:
        said = {name for name, value in rule.kwargs.items() if value is not None}
        if rule.expectation not in _KINDS or not said <= _ARGUMENTS:
            return None
        found |= dict.fromkeys(_named(rule))
    return list(found)


def _named(rule: Rule) -> list[str]:
    one = [rule.kwargs[name] for name in _NAMES if name in rule.kwargs]
    return [*one, *rule.kwargs.get("column_list", ())]


def rows_of(rules: Sequence[Rule], table: pa.Table) -> pd.DataFrame | None:
    """The rows as pandas has them; None if any rule might judge them otherwise than Spark.

    Args:
        rules: of which :func:`columns_of` gave an answer.
        table: the columns that they look at.
    """
    import pandas as pd

    kinds = {name: _kind(table[name]) for name in table.column_names}
    # Shares and means of nothing are one thing to pandas and another to Spark.
    if not table.num_rows or not all(_is_alike(rule, table, kinds) for rule in rules):
        return None
    named = {name for rule in rules for name in _named(rule)}
    made = {
        name: _FORMS[kind](table[name]) for name, kind in kinds.items() if kind and name in named
    }
    return pd.DataFrame(made, index=pd.RangeIndex(table.num_rows))


def told_alike(rule: Rule, rows: pd.DataFrame) -> Rule:
    """A rule as pandas is to be told it, for what Spark does.

    Spark counts no pair with a null as one whose first is not the greater.
    """
    if rule.expectation != "expect_column_pair_values_a_to_be_greater_than_b":
        return rule
    if not rows[_named(rule)].isna().any(axis=None):
        return rule
    return rule.model_copy(update={"kwargs": {**rule.kwargs, "ignore_row_if": _EITHER}})


def is_clear(rule: Rule, observed: Any) -> bool:
    """Whether what was measured is far enough from the rule's bounds to be the same in Spark."""
    if not any(f"_{name}_to_be" in rule.expectation for name in _MEASURES):
        return True
    if not isinstance(observed, int | float) or not math.isfinite(observed):
        return False
    bounds = [rule.kwargs.get(name) for name in ("min_value", "max_value")]
    return not any(
        bound is not None and math.isclose(observed, bound, rel_tol=_NEAR, abs_tol=_NEAR)
        for bound in bounds
    )


def _kind(values: pa.ChunkedArray) -> str | None:
    """What a column holds; None if pandas might not hold all of it as Spark does."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind):
        return "int" if _within(values, -_EXACT, _EXACT) else None
    if pa.types.is_floating(kind):
        return None if pc.any(pc.is_nan(values)).as_py() else "float"
    if pa.types.is_decimal(kind):
        return "money" if kind.precision <= _DIGITS else None
    if pa.types.is_date32(kind):
        return "day" if _within(values.cast(pa.int32()), _FIRST_DAY - 1, _LAST_DAY + 1) else None
    if pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz == "UTC":
        low, high = _FIRST_DAY * _DAY_US - 1, (_LAST_DAY + 1) * _DAY_US
        return "moment" if _within(values.cast(pa.int64()), low, high) else None
    return None


def _within(values: pa.ChunkedArray, low: int, high: int) -> bool:
    """Whether all values are between these two."""
    found = pc.min_max(values).as_py()
    return found["min"] is None or (low < found["min"] and found["max"] < high)


def _object(values: pa.ChunkedArray) -> pd.Series:
    import pandas as pd

    return pd.Series(values.to_pylist(), dtype=object)


def _floats(values: pa.ChunkedArray) -> pd.Series:
    import pandas as pd

    return pd.Series(values.cast(pa.float64()).to_numpy(), dtype="float64")


def _whole(values: pa.ChunkedArray) -> pd.Series:
    import pandas as pd

    if values.null_count:
        return _object(values)
    return pd.Series(values.to_numpy(), dtype="int64")


_FORMS: Mapping[str, Callable[[pa.ChunkedArray], Any]] = {
    "text": _object, "flag": _object, "day": _object, "moment": _object,
    "int": _whole, "float": _floats, "money": _floats,
}  # fmt: skip


def _is_alike(rule: Rule, table: pa.Table, kinds: Mapping[str, str | None]) -> bool:
    named = _named(rule)
    if not all(kinds[name] in _KINDS[rule.expectation] for name in named):
        return False
    if "regex" in rule.kwargs:
        return _is_read_alike(rule.kwargs["regex"], table[named[0]])
    if "column_list" in rule.kwargs:
        return not any(table[name].null_count for name in named)
    if len(named) == 2:
        return _is_pair_alike(rule, table, [kinds[name] for name in named])
    if rule.expectation.endswith("_in_set"):
        return _is_set_alike(rule.kwargs["value_set"], kinds[named[0]])
    return True


def _is_read_alike(regex: str, values: pa.ChunkedArray) -> bool:
    """Java's classes of characters hold ASCII alone, and its dot stops at more ends of lines."""
    if not _READ_OTHERWISE.search(regex.replace(TRUE_END, "")):
        return True
    return pc.all(pc.match_substring_regex(values, _PLAIN)).as_py() is not False


def _is_pair_alike(rule: Rule, table: pa.Table, kinds: Sequence[str | None]) -> bool:
    """Pairs of one kind; where any half is null, only those without a share that must hold."""
    same = len(set(kinds)) == 1 or all(kind in _NUMBERS for kind in kinds)
    if not same:
        return False
    names = (rule.kwargs["column_A"], rule.kwargs["column_B"])
    if not any(table[name].null_count for name in names):
        return True
    said = rule.kwargs.get("ignore_row_if")
    if rule.expectation == "expect_column_pair_values_to_be_equal":
        return said == _EITHER or (said is None and all(kind == "text" for kind in kinds))
    return said == _EITHER or "mostly" not in rule.kwargs


def _is_set_alike(values: Sequence[Any], kind: str | None) -> bool:
    if kind == "text":
        return all(isinstance(value, str) for value in values)
    return all(type(value) in (int, float) for value in values)
