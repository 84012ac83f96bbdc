"""The one ``civiclake`` entry of ``customProperties``: what only a pipeline needs.

Closed: an unknown field is a fault. What ODCS has a field for does not stand here.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, field_validator

from civiclake.contracts import schedule
from civiclake.contracts.frozen import Frozen
from civiclake.contracts.loading import (
    Drift,
    History,
    Limits,
    Load,
    Occurrence,
    Operation,
    seconds,
)
from civiclake.contracts.model import Partition, Protection
from civiclake.contracts.notation import Epoch, NumberNotation
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.rest import Rest
from civiclake.contracts.source import ObjectStore, Tls
from civiclake.contracts.standards import Area, CheckKind

NAME = "civiclake"


class DatasetExtension(Frozen):
    """``civiclake`` of a whole contract."""

    load: Load
    history: History = History.LATEST
    sequence: str | None = None
    occurrence: Occurrence | None = None
    operation: str | None = None
    operations: dict[str, Operation] = Field(default_factory=dict)
    event_time: str | None = None
    overlap: str = "0s"
    connection: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    member: str | None = None
    records: str | None = Field(default=None, min_length=1)
    sheet: str | None = Field(default=None, min_length=1)
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header_row: int | None = Field(default=None, ge=1)
    drift: Drift = Drift()
    limits: Limits = Limits()
    schedule: str | None = None
    query: str | None = None
    partition: Partition | None = None
    rest: Rest = Rest()
    s3: ObjectStore = ObjectStore()
    tls: Tls | None = None
    connector: str | None = None
    options: dict[str, str] = Field(default_factory=dict)
    absent: list[str] = Field(default_factory=list)

    @field_validator("overlap")
    @classmethod
    def _check_overlap(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]+[smhd]", value):
            raise ValueError("allowed is a number and a unit, such as '30m', '1h' or '2d'")
        return value

    @field_validator("query")
    @classmethod
    def _check_query(cls, value: str | None) -> str | None:
        if value is None:
            return None
        text = value.strip()
        if not re.match(r"(?i)(select|with)\b", text) or ";" in text:
            raise ValueError("allowed is one SELECT, without a semicolon")
        return text

    @field_validator("schedule")
    @classmethod
    def _check_schedule(cls, value: str | None) -> str | None:
        if value is not None:
            schedule.parse(value)
        return value

    @property
    def known_operations(self) -> dict[str, Operation]:
        """What the words of a change log mean; without a list, they mean what they say."""
        if self.load is not Load.CHANGES:
            return {}
        return self.operations or {str(operation): operation for operation in Operation}

    @property
    def goes_by_sequence(self) -> bool:
        """Whether the sequence column tells what is new."""
        return self.load in (Load.INCREMENTAL, Load.CHANGES)

    @property
    def overlap_seconds(self) -> int:
        """Overlap in seconds."""
        return seconds(self.overlap)


class ColumnExtension(Frozen):
    """``civiclake`` of one column."""

    protect: Protection | None = None
    codes: str | None = None
    map: dict[str, str] = Field(default_factory=dict)
    as_of: str | None = None
    check: CheckKind | None = None
    longitude: str | None = None
    within: Area | None = None
    also: list[str] = Field(default_factory=list)
    absent: list[str] | None = None
    absent_as: str | None = None
    number: NumberNotation | None = None
    epoch: Epoch | None = None


_Extension = TypeVar("_Extension", bound=BaseModel)


def find(properties: Any, place: Place) -> tuple[Any, Place] | None:
    """The ``civiclake`` entry of a ``customProperties`` list, and its place."""
    for index, entry in enumerate(properties if isinstance(properties, list) else ()):
        if isinstance(entry, dict) and entry.get("property") == NAME:
            return entry.get("value"), (*place, "customProperties", index, "value")
    return None


def parse(
    kind: type[_Extension], value: Any, place: Place, document: Document, faults: Faults
) -> _Extension | None:
    """Read an entry strictly; every fault is noted."""
    if not isinstance(value, dict):
        document.fault(faults, place, f"is {value!r}; allowed is a mapping")
        return None
    if _bad_keys(value, place, document, faults):
        return None
    try:
        # By way of JSON: strict, and yet an enumeration may be given by its word.
        return kind.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        for item in error.errors():
            _report(kind, item, place, document, faults)
        return None


def _bad_keys(value: Any, place: Place, document: Document, faults: Faults) -> bool:
    """YAML reads a bare 1 or no as a number or a boolean; here every key is text."""
    found = False
    for key, item in value.items():
        if not isinstance(key, str):
            message = f"key {key!r} is not text; put it in quotes"
            document.fault(faults, (*place, str(key)), message)
            found = True
        elif isinstance(item, dict):
            found = _bad_keys(item, (*place, key), document, faults) or found
    return found


def _report(
    kind: type[BaseModel], item: Any, place: Place, document: Document, faults: Faults
) -> None:
    way = tuple(item["loc"])
    full = (*place, *way)
    reason = item["type"]
    if reason == "extra_forbidden":
        known = _fields_at(kind, way[:-1])
        hint = did_you_mean(way[-1], known)
        allowed = f"; allowed are {choice(known)}"
        document.fault(faults, full, f"unknown field {way[-1]!r}{allowed}{hint}")
    elif reason == "missing":
        document.fault(faults, place, f"{way[-1]!r} is missing")
    elif reason == "enum":
        # pydantic words the allowed values as 'a', 'b' or 'c'.
        allowed = item["ctx"]["expected"]
        hint = did_you_mean(item["input"], re.findall(r"'([^']*)'", allowed))
        document.fault(faults, full, f"is {item['input']!r}; allowed are {allowed}{hint}")
    elif reason == "value_error":
        document.fault(faults, full, f"is {item['input']!r}; {item['ctx']['error']}")
    elif reason == "string_type" and isinstance(item["input"], int | float):
        message = f"is {item['input']!r}, which YAML reads as no text; put it in quotes"
        document.fault(faults, full, message)
    else:
        text = item["msg"][0].lower() + item["msg"][1:]
        document.fault(faults, full, f"is {item['input']!r}; {text}")


def _fields_at(kind: type[BaseModel], way: tuple[Any, ...]) -> list[str]:
    model: Any = kind
    for step in way:
        if isinstance(step, int):  # an item of the list that the step before led to
            continue
        annotation = model.model_fields[step].annotation
        # A list's items, or what an optional field holds when it is there.
        inner = get_args(annotation) if get_origin(annotation) else (annotation,)
        if not (isinstance(inner[0], type) and issubclass(inner[0], BaseModel)):
            return []
        model = inner[0]
    return sorted(model.model_fields)
