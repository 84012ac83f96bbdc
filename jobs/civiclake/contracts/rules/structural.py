"""The rules that follow from a contract, in Great Expectations' own terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from civiclake.contracts.model import (
    AMBIGUOUS_PREFIX,
    GIVEN_PREFIX,
    INVALID_PREFIX,
    ORPHAN_PREFIX,
    REPLACED_PREFIX,
    SKIPPED_PREFIX,
    UNCAST_PREFIX,
    UNKNOWN_PREFIX,
    Column,
    Rule,
    Severity,
)
from civiclake.contracts.read import patterns
from civiclake.contracts.read.columns import Compiled
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.values import instant
from civiclake.contracts.standards import Reason

AMBIGUOUS_TIME = "ambiguous_time"
"""Kind of the rules that find local times which clocks showed twice."""
_NULL = "expect_column_values_to_be_null"
_NOT_NULL = "expect_column_values_to_not_be_null"
_SEVERITIES = {"error": Severity.CRITICAL, **{str(s): s for s in Severity}}
_FIRST_DAY = {"date": "1900-01-01", "timestamp": "1900-01-01T00:00:00+00:00"}
"""A date before it is a typing error or a year of two digits, unless the contract says more."""
_REFUSED = {
    Reason.FORM: "has the standard's length and characters",
    Reason.CHECK_DIGIT: "has the check digit that follows from the rest",
    Reason.BIRTH_DATE: "holds a day of birth that can be",
    Reason.REGION: "holds a division that GB/T 2260 knew at that time",
    Reason.ORIGIN: "and its longitude are not both zero",
    Reason.SWAPPED: "does not stand in the longitude's place",
    Reason.OFF_GLOBE: "lies with its longitude on the earth",
    Reason.OUTSIDE: "lies with its longitude in the expected area",
}
_ONLY_COUNTED = (Reason.REGION, Reason.OUTSIDE)


def contract_rules(
    compiled: Compiled, quality: Any, place: Place, document: Document, faults: Faults
) -> tuple[Rule, ...]:
    """All rules of a contract: of its columns, then of the batch."""
    found: list[Rule] = []
    for column in compiled.columns:
        raw = compiled.raw[column.name]
        found += [*_structural(column, compiled.raw), *_of_values(column, raw)]
        _check_column_quality(raw, compiled.places[column.name], document, faults)
    found += _of_batch(quality, (*place, "quality"), document, faults)
    return tuple(found)


def made_rules(
    compiled: Compiled, quality: Any, place: Place, document: Document, faults: Faults
) -> tuple[Rule, ...]:
    """All rules of a mart's contract: nothing of it was read, so no reading can have failed."""
    found: list[Rule] = []
    for column in compiled.columns:
        raw = compiled.raw[column.name]
        if column.required:
            found.append(_rule("required", column.name, _NOT_NULL, "is given"))
        found += _of_values(column, raw)
        _check_column_quality(raw, compiled.places[column.name], document, faults)
    found += _of_batch(quality, (*place, "quality"), document, faults)
    return tuple(found)


def _structural(column: Column, raw: dict[str, dict[str, Any]]) -> Iterator[Rule]:
    """Rules over the helper columns that standardize leaves."""
    name = column.name
    given = column.is_cast or column.codes is not None
    if column.is_cast:
        yield _rule("type", name, _NULL, f"is of type {column.spark_type}", prefix=UNCAST_PREFIX)
    if column.has_local_times:
        yield from _of_local_times(column)
    if column.codes is not None:
        text = f"is a code of {column.codes.list_id}"
        yield _rule("code", name, _NULL, text, prefix=UNKNOWN_PREFIX)
        if column.codes.carries:
            text = "is a code of today, not a withdrawn one that was carried to it"
            replaced = _rule("replaced", name, _NULL, text, prefix=REPLACED_PREFIX)
            yield replaced.model_copy(update={"severity": Severity.INFO})
    if column.check is not None:
        for reason in column.check.reasons:
            if reason is not Reason.OFF_GLOBE or not _is_bounded(column, raw):
                yield _refused(name, reason)
    if column.reference is not None:
        text = f"stands in {column.reference.dataset}.{column.reference.column}"
        yield _rule("reference", name, _NULL, text, prefix=ORPHAN_PREFIX)
    if column.required:
        prefix = GIVEN_PREFIX if given else ""
        yield _rule("required", name, _NOT_NULL, "is given", prefix=prefix)


def _is_bounded(latitude: Column, raw: dict[str, dict[str, Any]]) -> bool:
    """Whether the contract's own bounds keep a position on the earth: one fault, one reason."""
    other = latitude.check.longitude if latitude.check else None
    for name, most in ((latitude.name, 90), (other, 180)):
        said = raw.get(name or "", {}).get("logicalTypeOptions") or {}
        low, high = said.get("minimum"), said.get("maximum")
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            return False
        if low < -most or high > most:
            return False
    return True


def _of_local_times(column: Column) -> Iterator[Rule]:
    """A time that the clocks skipped is none; one that they showed twice is read as the first."""
    name, zone = column.name, column.timezone
    text = f"is a time that clocks in {zone} showed; they skipped it in spring"
    yield _rule("local_time", name, _NULL, text, prefix=SKIPPED_PREFIX)
    text = f"is a time that clocks in {zone} showed once; they showed it twice in autumn"
    twice = _rule(AMBIGUOUS_TIME, name, _NULL, text, prefix=AMBIGUOUS_PREFIX)
    yield twice.model_copy(update={"severity": Severity.WARNING})


def _refused(name: str, reason: Reason) -> Rule:
    kind = "expect_column_values_to_not_be_in_set"
    found = _rule(
        str(reason), name, kind, _REFUSED[reason], prefix=INVALID_PREFIX, value_set=[str(reason)]
    )
    severity = Severity.WARNING if reason in _ONLY_COUNTED else Severity.CRITICAL
    return found.model_copy(update={"severity": severity})


def _of_values(column: Column, raw: dict[str, Any]) -> Iterator[Rule]:
    name = column.name
    options = raw.get("logicalTypeOptions") or {}
    if column.spark_type in _FIRST_DAY and not {"minimum", "exclusiveMinimum"} & set(options):
        options = {**options, "minimum": _FIRST_DAY[column.spark_type]}
    bounds = _bounds(options, column.logical_type)
    if bounds:
        words = _words(options)
        yield _rule("range", name, "expect_column_values_to_be_between", words, **bounds)
    if "pattern" in options:
        # ODCS leaves open whether a pattern is anchored; here the whole value must match.
        regex = patterns.whole(options["pattern"])
        text = f"matches {options['pattern']}"
        yield _rule("pattern", name, "expect_column_values_to_match_regex", text, regex=regex)
    lengths = {
        arg: options[field]
        for field, arg in (("minLength", "min_value"), ("maxLength", "max_value"))
        if field in options
    }
    if lengths:
        kind = "expect_column_value_lengths_to_be_between"
        yield _rule("length", name, kind, _words(options), **lengths)
    if raw.get("enum"):
        said = [e["value"] for e in raw["enum"] if isinstance(e, dict) and "value" in e]
        values = [instant(value, column.logical_type) for value in said]
        kind = "expect_column_values_to_be_in_set"
        yield _rule("enum", name, kind, f"is one of {values}", value_set=values)
    if raw.get("unique") and column.key_position is None:
        yield _rule("unique", name, "expect_column_values_to_be_unique", "stands once")


def _bounds(options: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, arg, strict in (
        ("minimum", "min_value", None),
        ("exclusiveMinimum", "min_value", "strict_min"),
        ("maximum", "max_value", None),
        ("exclusiveMaximum", "max_value", "strict_max"),
    ):
        if field in options:
            found[arg] = instant(options[field], kind)
            if strict:
                found[strict] = True
    return found


def _words(options: dict[str, Any]) -> str:
    wanted = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    said = [f"{w} {options[w]}" for w in (*wanted, "minLength", "maxLength") if w in options]
    return "keeps " + ", ".join(said)


def _rule(
    kind: str, column: str, expectation: str, text: str, *, prefix: str = "", **kwargs: Any
) -> Rule:
    return Rule(
        id=f"{kind}:{column}",
        expectation=expectation,
        kwargs={"column": f"{prefix}{column}", **kwargs},
        description=f"{column} {text}",
    )


def _of_batch(quality: Any, place: Place, document: Document, faults: Faults) -> Iterator[Rule]:
    for index, entry in enumerate(quality if isinstance(quality, list) else ()):
        here = (*place, index)
        if not isinstance(entry, dict) or entry.get("type") == "text":
            continue
        if entry.get("metric") != "rowCount":
            said = entry.get("metric") or entry.get("type")
            message = (
                f"is {said!r}; allowed is the metric 'rowCount'"
                " (other rules go into the dataset's suite under expectations/)"
            )
            document.fault(faults, here, message)
            continue
        bounds = _count_bounds(entry, here, document, faults)
        severity = _severity(entry, here, document, faults)
        if bounds is not None and severity is not None:
            yield Rule(
                id="row_count" if index == 0 else f"row_count:{index + 1}",
                expectation="expect_table_row_count_to_be_between",
                kwargs=bounds,
                severity=severity,
                description=entry.get("description") or "number of rows in the batch",
            )


def _count_bounds(
    entry: dict[str, Any], place: Place, document: Document, faults: Faults
) -> dict[str, Any] | None:
    if "mustBeBetween" in entry:
        low, high = entry["mustBeBetween"]
        return {"min_value": int(low), "max_value": int(high)}
    if "mustBe" in entry:
        return {"min_value": int(entry["mustBe"]), "max_value": int(entry["mustBe"])}
    for field, arg, step in (
        ("mustBeGreaterOrEqualTo", "min_value", 0),
        ("mustBeGreaterThan", "min_value", 1),
        ("mustBeLessOrEqualTo", "max_value", 0),
        ("mustBeLessThan", "max_value", -1),
    ):
        if field in entry:
            return {arg: int(entry[field]) + step}
    allowed = ("mustBe", "mustBeBetween", "mustBeGreaterOrEqualTo", "mustBeLessOrEqualTo")
    document.fault(faults, place, f"rowCount wants one of {choice(allowed)}")
    return None


def _severity(
    entry: dict[str, Any], place: Place, document: Document, faults: Faults
) -> Severity | None:
    said = entry.get("severity", "critical")
    found = _SEVERITIES.get(said)
    if found is None:
        hint = did_you_mean(said, _SEVERITIES)
        message = f"is {said!r}; allowed are {choice(_SEVERITIES)}{hint}"
        document.fault(faults, (*place, "severity"), message)
    return found


def _check_column_quality(
    raw: dict[str, Any], place: Place, document: Document, faults: Faults
) -> None:
    for index, entry in enumerate(raw.get("quality") or ()):
        if isinstance(entry, dict) and entry.get("type") != "text":
            message = (
                "is not supported on a column; use required, logicalTypeOptions or enum,"
                " or a rule in the dataset's suite under expectations/"
            )
            document.fault(faults, (*place, "quality", index), message)
