"""A mart's rows against its contract, before any of them is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.contracts.model import Mart, Rule, Severity
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.errors import ContractError
from civiclake.steps.rules import compile_rules

_WHOLE = {"tinyint": 1, "smallint": 2, "int": 3, "bigint": 4}
_DECIMAL = re.compile(r"decimal\(\d+,\d+\)")
_SHOWN = 3
"""Keys that are named of those that came twice."""
_ROWS, _TWICE, _SMALL, _EMPTY = "_rows", "_twice", "_small", "_empty"


def shaped(mart: Mart, frame: DataFrame) -> DataFrame:
    """The contract's columns in the contract's order, types and words.

    Args:
        mart: its contract.
        frame: what its step gave.

    Raises:
        ContractError: a column is missing, is one too many, or would lose something by its cast.
    """
    given = {f.name.lower(): (f.name, f.dataType.simpleString()) for f in frame.schema.fields}
    wanted = {column.name: column for column in mart.columns}
    faults = []
    for name, column in wanted.items():
        found = given.get(name)
        if found is None:
            hint = did_you_mean(name, set(given) - set(wanted))
            faults.append(f"its step gives no column {name!r}; it gives {choice(given)}{hint}")
        elif not _fits(found[1], column.spark_type):
            faults.append(
                f"its step gives column {name!r} as {found[1]}, but the contract says"
                f" {column.spark_type}: cast or round it in the step"
            )
    for name in given.keys() - wanted.keys():
        hint = did_you_mean(name, wanted)
        faults.append(
            f"its step gives column {name!r}, which the contract has not; allowed are"
            f" {choice(wanted)}{hint}"
        )
    if faults:
        raise ContractError([f"marts/{mart.path}: {fault}" for fault in faults])
    return frame.select(
        *[
            F.col(f"`{given[name][0]}`")
            .cast(column.spark_type)
            .alias(name, metadata={"comment": column.description} if column.description else {})
            for name, column in wanted.items()
        ]
    )


def withheld(mart: Mart, frame: DataFrame) -> DataFrame:
    """Rows without the numbers that would tell of fewer persons than the smallest group.

    What a contract requires is not emptied: :func:`hold` refuses such rows.

    Args:
        mart: its contract; without ``group_size`` nothing says how many persons a row is of.
        frame: the rows, as :func:`shaped` made them.
    """
    if mart.group_size is None:
        return frame
    is_small = F.coalesce(F.col(f"`{mart.group_size}`") < F.lit(mart.smallest_group), F.lit(False))
    emptied = {
        c.name: F.when(~is_small, F.col(f"`{c.name}`"))
        for c in mart.columns
        if _is_number(c.spark_type) and not c.key_position and not c.required
    }
    return frame.select(
        *[emptied.get(c.name, F.col(f"`{c.name}`")).alias(c.name) for c in mart.columns]
    )


def _is_number(kind: str) -> bool:
    return kind in (*_WHOLE, "float", "double") or bool(_DECIMAL.fullmatch(kind))


def _fits(have: str, want: str) -> bool:
    """Whether a cast keeps every value, or fails: Spark's own casts of numbers do under ANSI."""
    if have in (want, "void"):
        return True
    if have in _WHOLE:
        return want in _WHOLE or want in ("float", "double") or bool(_DECIMAL.fullmatch(want))
    if _DECIMAL.fullmatch(have):
        return want in ("float", "double") or bool(_DECIMAL.fullmatch(want))
    return have in ("float", "double") and (want in ("float", "double") or want.startswith("dec"))


@dataclass(frozen=True)
class Held:
    """Rows that keep to their contract."""

    rows: int
    withheld: int = 0
    """Those of them whose numbers would tell of too few persons, and are not told."""


def hold(mart: Mart, frame: DataFrame, others: Callable[[], int] = lambda: 0) -> Held:
    """Hold rows against the contract's rules and key.

    Args:
        mart: its contract.
        frame: the rows, as :func:`shaped` made them.
        others: tells how many rows the mart keeps beside these, where a rule is on all of them.

    Returns:
        How many rows there are, and of how many nothing is told.

    Raises:
        ContractError: rows break a rule, hold what is no number, tell of too few persons, or
            share a key.
    """
    rules, of_all = compile_rules([r for r in mart.rules if r.origin == "contract"])
    broken = {f"rule {r.rule.id!r} ({r.rule.description})": r.breaks for r in rules}
    hard = {f"rule {r.rule.id!r} ({r.rule.description})" for r in rules
            if r.rule.severity is Severity.CRITICAL}  # fmt: skip
    finite = {f"{c.name!r} is a number": _is_none(c.name, c.spark_type) for c in mart.columns
              if c.spark_type in ("float", "double")}  # fmt: skip
    asked = {**broken, **finite}
    names = {f"_{n}": (said, column) for n, (said, column) in enumerate(asked.items())}
    counts = [F.count_if(column).alias(name) for name, (_, column) in names.items()]
    row = frame.agg(F.count("*").alias(_ROWS), *counts, *_persons(mart)).collect()[0]
    faults = [
        f"{row[name]} of {row[_ROWS]} rows break {said}"
        for name, (said, _) in names.items()
        if row[name] and (said in hard or said in finite)
    ]
    if mart.group_size and row[_SMALL]:
        faults.append(
            f"{row[_SMALL]} of {row[_ROWS]} rows tell of fewer than {mart.smallest_group} persons"
            f" ({mart.group_size}), which the contract requires to be told"
        )
    faults += _twice(mart, frame)
    if of_all:
        whole = int(row[_ROWS]) + others()
        faults += [
            f"it would have {whole} rows, which breaks rule {rule.id!r} ({rule.description})"
            for rule in of_all
            if rule.severity is Severity.CRITICAL and not _counts_well(rule, whole)
        ]
    if faults:
        raise ContractError(
            [f"marts/{mart.path}: {fault}; nothing was written" for fault in faults]
        )
    return Held(int(row[_ROWS]), int(row[_EMPTY]) if mart.group_size else 0)


def _persons(mart: Mart) -> list[Column]:
    """Rows of too few persons, and rows that do not tell how many."""
    if mart.group_size is None:
        return []
    size = F.col(f"`{mart.group_size}`")
    return [
        F.count_if(size < F.lit(mart.smallest_group)).alias(_SMALL),
        F.count_if(size.isNull()).alias(_EMPTY),
    ]


def _counts_well(rule: Rule, rows: int) -> bool:
    """Whether a table of so many rows keeps to a rule on their number."""
    low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    return (low is None or rows >= low) and (high is None or rows <= high)


def _is_none(name: str, kind: str) -> Column:
    value = F.col(f"`{name}`")
    return F.isnan(value) | (F.abs(value) == F.lit(float("inf")).cast(kind))


def _twice(mart: Mart, frame: DataFrame) -> list[str]:
    """Keys that came more than once; what is null is one value."""
    key = [F.col(f"`{name}`") for name in mart.key]
    # Millions of distinct texts are dear to group, their hashes are not; equal ones are looked at.
    hashes = frame.groupBy(F.xxhash64(*key)).agg(F.count("*").alias(_TWICE))
    if hashes.where(F.col(_TWICE) > 1).isEmpty():
        return []
    found = frame.groupBy(*key).agg(F.count("*").alias(_TWICE)).where(F.col(_TWICE) > 1)
    rows = found.select(*[column.cast("string") for column in key]).limit(_SHOWN + 1).collect()
    if not rows:
        return []
    restricted = any(c.protection for c in mart.columns if c.key_position)
    shown = "" if restricted else ", such as " + "; ".join(
        ", ".join(f"{n}={v}" for n, v in zip(mart.key, row, strict=True)) for row in rows[:_SHOWN]
    )  # fmt: skip
    more = "several keys come" if len(rows) > 1 else "a key comes"
    return [f"{more} twice ({', '.join(mart.key)}){shown}"]
