"""Suites: the rules that a person wrote, in Great Expectations' own JSON.

Great Expectations is not imported here (2 s): which expectations exist and what arguments
they take stands in ``expectations.json``, and a test holds it equal to the installed GX.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from pydantic import Field

from civiclake.contracts.frozen import Frozen
from civiclake.contracts.model import Rule, Severity
from civiclake.contracts.read import extension
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.rules import checks
from civiclake.contracts.rules.checks import Kinds


class SuiteExpectation(Frozen):
    """One expectation as GX serialises it."""

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)
    meta: dict[str, Any] | None = None
    notes: str | list[str] | None = None
    description: str | None = None
    severity: Severity = Severity.CRITICAL
    id: str | None = None
    rendered_content: list[Any] | None = None


class Suite(Frozen):
    """A suite as GX serialises it."""

    name: str
    expectations: list[SuiteExpectation]
    id: str | None = None
    meta: dict[str, Any] | None = None
    notes: str | list[str] | None = None


@cache
def expectation_table() -> dict[str, dict[str, Any] | None]:
    """Type of expectation to its arguments and their forms; None where Spark can't judge it."""
    text = resources.files(__package__).joinpath("expectations.json").read_text("utf-8")
    found: dict[str, dict[str, Any] | None] = json.loads(text)
    return found


@cache
def known_expectations() -> dict[str, dict[str, Any]]:
    """Of every type that can be judged: required and optional arguments, and their forms."""
    return {name: known for name, known in expectation_table().items() if known is not None}


def suite_rules(
    document: Document,
    dataset_id: str,
    columns: Kinds,
    taken: tuple[Rule, ...],
    faults: Faults,
) -> tuple[Rule, ...]:
    """The rules of a suite.

    Args:
        document: the suite's file.
        dataset_id: what the file's place says.
        columns: the dataset's columns with their logical types.
        taken: the contract's rules, which are never written twice.
        faults: takes what is wrong.
    """
    suite = extension.parse(Suite, document.data, (), document, faults)
    if suite is None:
        return ()
    if suite.name != dataset_id:
        message = f"is {suite.name!r}; allowed is the dataset's id {dataset_id!r}"
        document.fault(faults, ("name",), message)
    said = {_fingerprint(r.expectation, r.kwargs): r.id for r in taken}
    ids = {r.id for r in taken}
    rules = []
    for index, item in enumerate(suite.expectations):
        place: Place = ("expectations", index)
        if not _check(item, place, columns, document, faults):
            continue
        kwargs = checks.typed(item.type, _said(item.kwargs), columns)
        twin = said.get(_fingerprint(item.type, kwargs))
        if twin is not None:
            message = f"says what rule {twin!r} says already; leave it out"
            document.fault(faults, place, message)
            continue
        rule = _to_rule(item, kwargs, place, ids, document, faults)
        ids.add(rule.id)
        said[_fingerprint(item.type, kwargs)] = rule.id
        rules.append(rule)
    return tuple(rules)


def _check(
    item: SuiteExpectation,
    place: Place,
    columns: Kinds,
    document: Document,
    faults: Faults,
) -> bool:
    known = known_expectations().get(item.type)
    if item.type in expectation_table() and known is None:
        message = f"{item.type!r} is not judged by Great Expectations on Spark"
        document.fault(faults, (*place, "type"), f"{message}; a regular expression may say it")
        return False
    if known is None:
        hint = did_you_mean(item.type, known_expectations())
        message = f"unknown expectation {item.type!r}{hint}" + (
            "" if hint else f"; allowed are {choice(sorted(known_expectations()))}"
        )
        document.fault(faults, (*place, "type"), message)
        return False
    before = len(faults)
    arguments = [*known["required"], *known["optional"]]
    for name in item.kwargs:
        if name not in arguments:
            hint = did_you_mean(name, arguments)
            message = f"unknown argument {name!r}; allowed are {choice(arguments)}{hint}"
            document.fault(faults, (*place, "kwargs", name), message)
    kwargs = _said(item.kwargs)
    for name in known["required"]:
        if name not in kwargs:
            document.fault(faults, (*place, "kwargs"), f"{name!r} is missing")
    for way, message in checks.check_columns(kwargs, columns):
        document.fault(faults, (*place, "kwargs", *way), message)
    for way, message in checks.check_arguments(known["forms"], kwargs):
        document.fault(faults, (*place, "kwargs", *way), message)
    if len(faults) == before:
        for way, message in checks.check_meaning(item.type, kwargs, columns):
            document.fault(faults, (*place, "kwargs", *way), message)
    return len(faults) == before


def _said(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments that say something: Great Expectations writes null for those left out."""
    return {name: value for name, value in kwargs.items() if value is not None}


def _to_rule(
    item: SuiteExpectation,
    kwargs: dict[str, Any],
    place: Place,
    ids: set[str],
    document: Document,
    faults: Faults,
) -> Rule:
    name = (item.meta or {}).get("name")
    if name is not None and (not isinstance(name, str) or name in ids):
        message = f"is {name!r}; allowed is a text that no other rule of the dataset has"
        document.fault(faults, (*place, "meta", "name"), message)
        name = None
    return Rule(
        id=name or _unique(_short_name(item), ids),
        expectation=item.type,
        kwargs=kwargs,
        severity=item.severity,
        origin="suite",
        description=_description(item),
    )


def _short_name(item: SuiteExpectation) -> str:
    short = item.type.removeprefix("expect_").removeprefix("column_")
    columns = [str(name) for _, name in checks.named_columns(item.kwargs)]
    return ":".join([short, *columns])


def _unique(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}:{n}" for n in range(2, len(taken) + 3) if f"{name}:{n}" not in taken)


def _description(item: SuiteExpectation) -> str:
    if item.description:
        return item.description
    if isinstance(item.notes, list):
        return " ".join(map(str, item.notes))
    return item.notes or ""


def _fingerprint(kind: str, kwargs: dict[str, Any]) -> str:
    return json.dumps([kind, kwargs], sort_keys=True, default=str)
