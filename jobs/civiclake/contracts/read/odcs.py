"""A contract against the public standard: ODCS 3.2.0, by the standard's own JSON schema.

Contracts of earlier versions are told in its words first.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import jsonschema_rs
from jsonschema.exceptions import best_match

from civiclake.contracts.read.document import Document
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.odcs_versions import READ, in_todays_words

_LONGEST = 300


@cache
def json_schema() -> dict[str, Any]:
    """The JSON schema that the package of the standard carries."""
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator() -> Any:
    return jsonschema.Draft201909Validator(json_schema())


@cache
def _judge() -> Any:
    return jsonschema_rs.Draft201909Validator(json_schema())


def is_sound(data: Any) -> bool:
    """Whether data keeps the standard: the same verdict as the errors', in a two-hundredth of time.

    What is no JSON (a day that YAML made of a text) is left to those that find words for it.
    """
    try:
        return bool(_judge().is_valid(data))
    except (TypeError, ValueError):
        return False


def validate(document: Document, faults: Faults) -> dict[str, Any]:
    """Note every breach of the standard; returns the data without the faulty values."""
    if not isinstance(document.data, dict):
        document.fault(faults, (), "a contract is a mapping of ODCS fields")
        document.prune(())
        return {}
    _check_version(document, faults)
    data: dict[str, Any] = in_todays_words(document.data)
    document.data = data
    errors = [] if is_sound(data) else list(_validator().iter_errors(data))
    places = [tuple(e.absolute_path) for e in errors]
    clean = copy.deepcopy(data)
    removals: list[Place] = []
    for error in errors:
        removals += _report(error, places, document, faults)
    for place in removals:
        document.prune(place)
    # From the back, so that the index of a list's earlier items stays true.
    for place in sorted(set(removals), key=str, reverse=True):
        _blank(clean, place)
    return clean


def _check_version(document: Document, faults: Faults) -> None:
    said = document.data.get("apiVersion", READ[-1])
    if said not in READ:
        message = f"is {said!r}; allowed are {choice(READ)}{did_you_mean(said, READ)}"
        document.fault(faults, ("apiVersion",), message)
        document.prune(("apiVersion",))


def _report(error: Any, places: list[Place], document: Document, faults: Faults) -> list[Place]:
    """Word one error; returns the places to take out."""
    place: Place = tuple(error.absolute_path)
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        unknown = _unknown_fields(error, place, places)
        known = sorted(_known(error.schema))
        for name in unknown:
            hint = did_you_mean(name, known) or f"; allowed are {choice(known)}"
            message = f"unknown field {name!r}{hint}"
            if name in known:  # of another type of server or column
                message = f"field {name!r} does not go with the type given; leave it out"
            document.fault(faults, (*place, name), message)
        return [(*place, name) for name in unknown]
    if error.validator == "required":
        missing = [n for n in error.validator_value if n not in error.instance]
        # The standard wants a map's definition of whatever says no type: name what is missing.
        untyped = missing == ["map"] and "logicalType" not in error.instance
        missing = ["logicalType"] if untyped else missing
        for name in missing:
            document.fault(faults, place, f"{name!r} is missing")
        return [(*place, name) for name in missing]
    found = _deepest(error)
    document.fault(faults, tuple(found.absolute_path), _message(found))
    return [place] if place else []


def _deepest(error: Any) -> Any:
    """What is wrong by the form that the value comes closest to, where several are allowed."""
    branches: dict[Any, list[Any]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    if not branches:
        return error

    def of_another_kind(errors: list[Any]) -> bool:
        return any(e.validator == "type" and not e.relative_path for e in errors)

    likely = [errors for errors in branches.values() if not of_another_kind(errors)]
    if len(likely) != 1:
        return error
    best = best_match(iter(likely[0]))
    return error if best is None else _deepest(best)


def _message(error: Any) -> str:
    if error.validator == "enum":
        allowed = [str(v) for v in error.validator_value]
        hint = did_you_mean(error.instance, allowed)
        return f"is {error.instance!r}; allowed are {choice(allowed)}{hint}"
    if error.validator == "type":
        wanted = error.validator_value
        words = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"is {error.instance!r}; allowed is a value of type {words}"
    if error.validator == "pattern":
        return f"is {error.instance!r}; allowed is text that matches {error.validator_value}"
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = sorted(_known(error.schema))
        unknown = sorted(set(map(str, error.instance)) - set(known))
        return f"unknown field {choice(unknown)}; allowed are {choice(known)}"
    if error.validator == "required":
        return f"{choice(n for n in error.validator_value if n not in error.instance)} is missing"
    kinds = [_kind(branch) for branch in error.validator_value] if error.context else []
    if kinds and all(kinds):
        return f"is {error.instance!r}; allowed is a value of type {' or '.join(kinds)}"
    message = str(error.message)
    return message if len(message) <= _LONGEST else message[:_LONGEST] + " ..."


def _kind(schema: Any) -> str:
    reference = schema.get("$ref")
    found = (_resolve(reference) if reference else schema).get("type", "")
    return str(found)


def _unknown_fields(error: Any, place: Place, places: list[Place]) -> list[str]:
    """The fields that the standard does not know.

    When anything else fails here or below, JSON schema calls all fields of the object
    unevaluated; only those that no branch of the schema names are truly unknown.
    """
    unknown = sorted(set(map(str, error.instance)) - _known(error.schema))
    others = sum(p[: len(place)] == place for p in places) > 1
    if unknown or others:
        return unknown
    return re.findall(r"'([^']+)'", error.message.split("(", 1)[-1])


def _known(schema: Any) -> set[str]:
    return set(_property_names(schema, set()))


def _property_names(schema: Any, seen: set[str]) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    yield from schema.get("properties", {})
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        yield from _property_names(_resolve(reference), seen)
    branches: Iterable[Any] = [
        *(b for word in ("allOf", "anyOf", "oneOf") for b in schema.get(word, [])),
        schema.get("then"),
    ]
    for branch in branches:
        yield from _property_names(branch, seen)


def _resolve(reference: str) -> Any:
    node: Any = json_schema()
    for step in reference.removeprefix("#/").split("/"):
        node = node.get(step, {})
    return node


def _blank(data: Any, place: Place) -> None:
    """Take a value out: a field is removed, a list's item becomes None."""
    *way, last = place
    node = data
    for step in way:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(node, dict):
        node.pop(last, None)
    elif isinstance(node, list) and isinstance(last, int) and last < len(node):
        node[last] = None
