"""What a rule of a suite says against the columns it names: whether it can run, and can fail.

Great Expectations takes many of these: a null in a set makes ``x IN (..., NULL)`` null, so that
every value passes; a range of numbers over a text compares what can't be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jsonschema

from civiclake.contracts.read import patterns
from civiclake.contracts.read.faults import Place, choice, did_you_mean
from civiclake.contracts.read.values import NUMBERS, TIMES, comparable, instant, misfit

Kinds = Mapping[str, str | None]
"""Logical type of every column; None where the column's own is faulty."""
Found = Iterator[tuple[Place, str]]
_Arguments = Mapping[str, Any]

_MEASURES = ("mean", "median", "stdev", "sum")
_BY_COLUMN = {
    f"expect_column_{what}_to_be_between": (*NUMBERS, *TIMES) for what in ("values", "max", "min")
}
_OF_NUMBERS = {f"expect_column_{what}_to_be_between": NUMBERS for what in _MEASURES}
_COUNTED = (
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
    "expect_column_unique_value_count_to_be_between",
    "expect_table_row_count_to_be_between",
    "expect_column_value_lengths_to_be_between",
)
_RANGES = {*_BY_COLUMN, *_OF_NUMBERS, *_COUNTED}
_BOUNDED = {*_RANGES, "expect_column_kl_divergence_to_be_less_than"}
_COLUMN_KINDS: Mapping[str, tuple[str, ...]] = {
    **_BY_COLUMN,
    **_OF_NUMBERS,
    **dict.fromkeys(
        (
            "expect_column_value_lengths_to_be_between",
            "expect_column_value_lengths_to_equal",
            "expect_column_values_to_match_regex",
            "expect_column_values_to_not_match_regex",
            "expect_column_values_to_match_regex_list",
            "expect_column_values_to_not_match_regex_list",
            "expect_column_values_to_match_like_pattern",
            "expect_column_values_to_not_match_like_pattern",
            "expect_column_values_to_match_like_pattern_list",
            "expect_column_values_to_not_match_like_pattern_list",
            "expect_column_values_to_match_strftime_format",
            "expect_column_values_to_be_dateutil_parseable",
            "expect_column_values_to_be_json_parseable",
            "expect_column_values_to_match_json_schema",
        ),
        ("string",),
    ),
    **dict.fromkeys(
        (
            "expect_column_quantile_values_to_be_between",
            "expect_column_value_z_scores_to_be_less_than",
            "expect_column_values_to_not_be_outliers",
            "expect_multicolumn_sum_to_equal",
        ),
        NUMBERS,
    ),
}
"""Types of the columns that a rule can judge; of the rules left out, any."""
_PAIRS = (
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
)
_FAMILIES = (NUMBERS, TIMES)
_REGEXES = ("regex", "regex_list")
_LISTS = ("regex_list", "like_pattern_list")
_MISSING = {"expect_column_values_to_match_regex": "regex"}
"""What Great Expectations has no use for a rule without, though it may be left out."""


def named_columns(arguments: _Arguments) -> Iterator[tuple[Place, Any]]:
    """The columns that a rule names, and where it does."""
    for name in ("column", "column_A", "column_B"):
        if name in arguments:
            yield (name,), arguments[name]
    found = arguments.get("column_list")
    for index, column in enumerate(found if isinstance(found, list) else ()):
        yield ("column_list", index), column


def check_columns(arguments: _Arguments, columns: Kinds) -> Found:
    """Every column that a rule names is one of the dataset's."""
    for place, name in named_columns(arguments):
        if not isinstance(name, str) or name not in columns:
            hint = did_you_mean(name, columns)
            message = f"unknown column {name!r}; allowed are {choice(sorted(columns))}{hint}"
            yield place, message
    said = arguments.get("column_list", ["a", "b"])
    if not isinstance(said, list) or len(said) < 2:
        yield ("column_list",), f"is {said!r}; allowed is a list of at least two columns"


def check_arguments(forms: Mapping[str, Any], arguments: _Arguments) -> Found:
    """Every argument has the form that Great Expectations' own class wants.

    Args:
        forms: JSON schema by argument.
        arguments: of the rule; null counts as left out.
    """
    for name, value in arguments.items():
        if _has_parameter(value):
            message = f"is {value!r}; parameters have no value here, write the value itself"
            yield (name,), message
        elif name in forms:
            yield from (((name, *way), text) for way, text in _form_faults(forms[name], value))


def check_meaning(kind: str, arguments: _Arguments, columns: Kinds) -> Found:
    """The rule can run on its columns, can fail, and can pass.

    Args:
        kind: type of the expectation.
        arguments: which :func:`check_arguments` has found to be of the right form.
        columns: the dataset's columns.
    """
    yield from _columns(kind, arguments, columns)
    if kind in _BOUNDED:
        yield from _range(kind, arguments, columns)
    if "value_set" in arguments:
        said = columns.get(str(arguments.get("column")))
        yield from _set(arguments["value_set"], said, ("value_set",))
    if "value_pairs_set" in arguments:
        yield from _pairs(arguments, columns)
    if kind in _MISSING and _MISSING[kind] not in arguments:
        yield (), f"{_MISSING[kind]!r} is missing"
    for name in _LISTS:
        if name in arguments and not arguments[name]:
            yield (name,), "is empty; allowed is a list of at least one"
    yield from _regexes(arguments)
    yield from _time_format(arguments)
    if kind in _PAIRS:
        yield from _comparable(kind, arguments, columns)


def typed(kind: str, arguments: _Arguments, columns: Kinds) -> dict[str, Any]:
    """The arguments as both engines compare them alike: instants, and the value's true end."""
    found = dict(arguments)
    said = columns.get(str(found.get("column")))
    if kind in _BY_COLUMN:
        for name in ("min_value", "max_value"):
            if name in found:
                found[name] = instant(found[name], said)
    if isinstance(found.get("value_set"), list):
        found["value_set"] = [instant(value, said) for value in found["value_set"]]
    if kind == "expect_column_values_to_match_regex" and isinstance(found.get("regex"), str):
        found["regex"] = patterns.with_true_end(found["regex"])
    return found


def _has_parameter(value: Any) -> bool:
    if isinstance(value, dict):
        return "$PARAMETER" in value or any(map(_has_parameter, value.values()))
    return isinstance(value, list) and any(map(_has_parameter, value))


def _form_faults(form: Mapping[str, Any], value: Any) -> Iterator[tuple[Place, str]]:
    for error in jsonschema.Draft201909Validator(form).iter_errors(value):
        said, way = error.instance, tuple(error.absolute_path)
        wanted = error.schema
        if "enum" in wanted:
            yield way, f"is {said!r}; allowed are {choice(wanted['enum'])}"
        elif error.validator in ("minimum", "maximum"):
            low, high = wanted.get("minimum"), wanted.get("maximum")
            between = f"from {low} to {high}" if high is not None else f"of {low} or more"
            yield way, f"is {said!r}; allowed is a number {between}"
        elif error.validator in ("type", "anyOf"):
            kinds = [b["type"] for b in wanted.get("anyOf", [wanted])]
            yield way, f"is {said!r}; allowed is a value of type {choice(dict.fromkeys(kinds))}"
        else:
            yield way, f"is {said!r}; {error.message}"


def _columns(kind: str, arguments: _Arguments, columns: Kinds) -> Found:
    wanted = _COLUMN_KINDS.get(kind)
    if wanted is None:
        return
    named = arguments.get("column_list") or [arguments.get("column")]
    for index, name in enumerate(named):
        said = columns.get(str(name))
        if said is not None and said not in wanted:
            place: Place = ("column_list", index) if "column_list" in arguments else ("column",)
            yield place, f"column {name!r} is a {said}; allowed are {choice(wanted)}"


def _range(kind: str, arguments: _Arguments, columns: Kinds) -> Found:
    bounds = {n: arguments[n] for n in ("min_value", "max_value") if n in arguments}
    if not bounds and kind in _RANGES:
        yield (), "has neither min_value nor max_value; every value would pass"
    said = columns.get(str(arguments.get("column")))
    said = said if kind in _BY_COLUMN else "number"
    if kind in _BY_COLUMN and said not in _BY_COLUMN[kind]:
        return  # said already: the column is of another type
    said = "number" if said == "integer" else said  # half a number bounds whole ones well
    wrong = {name: allowed for name, value in bounds.items() if (allowed := misfit(value, said))}
    for name, allowed in wrong.items():
        yield (name,), f"is {bounds[name]!r}; allowed is {allowed}"
    if wrong or len(bounds) < 2:
        return
    low, high = comparable(bounds["min_value"]), comparable(bounds["max_value"])
    is_strict = arguments.get("strict_min") or arguments.get("strict_max")
    if low > high or (low == high and is_strict):
        message = f"is {bounds['min_value']!r}, not below max_value {bounds['max_value']!r};"
        yield ("min_value",), f"{message} nothing could pass"


def _set(values: Any, kind: str | None, place: Place) -> Found:
    if not isinstance(values, list):
        yield place, f"is {values!r}; allowed is a list of values"
    elif not values:
        yield place, "is empty; allowed is a list of at least one value"
    else:
        yield from _items(values, kind, place)


def _items(values: Sequence[Any], kind: str | None, place: Place) -> Found:
    for index, value in enumerate(values):
        if value is None:
            message = (
                "is null, with which every value would pass; leave it out (an absent value"
                " breaks no rule but `required`)"
            )
            yield (*place, index), message
        elif allowed := misfit(value, kind):
            message = f"is {value!r}; allowed is {allowed}, as the column is of type {kind}"
            yield (*place, index), message


def _pairs(arguments: _Arguments, columns: Kinds) -> Found:
    pairs = arguments["value_pairs_set"]
    if not pairs:
        yield ("value_pairs_set",), "is empty; allowed is a list of at least one pair"
    kinds = [columns.get(str(arguments.get(name))) for name in ("column_A", "column_B")]
    for index, pair in enumerate(pairs):
        for side, kind in enumerate(kinds):
            for _, message in _items([pair[side]], kind, ()):
                yield ("value_pairs_set", index, side), message


def _regexes(arguments: _Arguments) -> Found:
    for name in _REGEXES:
        said = arguments.get(name)
        for index, regex in enumerate(said if isinstance(said, list) else [said]):
            wrong = patterns.fault(regex) if isinstance(regex, str) else None
            if regex == "":
                wrong = "every value would pass it"
            if wrong:
                place: Place = (name, index) if isinstance(said, list) else (name,)
                yield place, f"is {regex!r}; {wrong}"


def _time_format(arguments: _Arguments) -> Found:
    said = arguments.get("strftime_format")
    try:
        if said is not None:
            datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(said), said)
    except ValueError as error:
        yield ("strftime_format",), f"is {said!r}; not a format of strftime: {error}"


def _comparable(kind: str, arguments: _Arguments, columns: Kinds) -> Found:
    names = [str(arguments.get(name)) for name in ("column_A", "column_B")]
    first, second = (columns.get(name) for name in names)
    if first is None or second is None:
        return
    together = first == second or any(first in f and second in f for f in _FAMILIES)
    if not together:
        yield (), f"column {names[0]!r} is a {first}, but {names[1]!r} is a {second}"
    elif first == "boolean" and "greater" in kind:
        yield (), "a boolean is not greater than another; allowed are numbers, times and texts"
