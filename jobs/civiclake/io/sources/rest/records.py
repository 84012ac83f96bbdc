"""Where in an answer its records are, in all the ways in which servers say that there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError
from civiclake.io.formats.json_path import MISSING, ends_early, find
from civiclake.io.formats.json_values import kind_of
from civiclake.io.landing.delivery import ask
from civiclake.io.sources.rest import signs

_ERRORS = ("error", "errors", "exception", "fault")
"""Keys under which servers tell what went wrong, though the status is 200."""
_NOTHING: tuple[Any, ...] = (None, "", {})


def records_of(value: Any, dataset: Dataset, named: str) -> list[Any]:
    """The records of an answer.

    No records are an empty list, null where the list should be, a way to it that ends early
    (``{"items": ""}``), no body at all, or a missing list beside a total of 0. One object
    in the list's place is one record where it has the contract's key.

    Args:
        value: the answer; None for one without a body.
        dataset: the compiled contract.
        named: the dataset and its server, as a sentence begins.

    Raises:
        SourceError: nothing there is a list of records.
    """
    path = dataset.source.records
    found = find(value, path)
    if isinstance(found, list):
        return found
    told = _told_error(value)
    if not told and _is_none(value, path, found):
        return []
    if isinstance(found, Mapping) and not told and _has_key(found, dataset):
        return [found]
    if told:
        raise SourceError(
            f"{named} answers with an error instead of records (it holds {told}): {ask(dataset)}"
        )
    where = f"{path} is {_said(found)}" if path else f"the body is {kind_of(value)}"
    held = f" (it holds {', '.join(map(str, value))[:200]})" if isinstance(value, dict) else ""
    raise SourceError(
        f"{named} answers without a list of records: {where}{held}: "
        f"correct `records` in {dataset.path}, or {ask(dataset)}"
    )


def _is_none(value: Any, path: str | None, found: Any) -> bool:
    if found in _NOTHING or ends_early(value, path):
        return True
    return found is MISSING and signs.read(value).total == 0


def _has_key(record: Mapping[str, Any], dataset: Dataset) -> bool:
    if dataset.source.rest.key:
        return find(record, dataset.source.rest.key) is not MISSING
    names = dataset.key or tuple(c.name for c in dataset.columns if c.required)
    columns = [dataset.column(name) for name in names]
    return bool(columns) and all(
        any(find(record, name) is not MISSING for name in (c.source_name, *c.also)) for c in columns
    )


def _told_error(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    return ", ".join(key for key in value if key.lower() in _ERRORS and _says(value[key]))


def _says(value: Any) -> bool:
    return value not in (*_NOTHING, [], False)


def _said(found: Any) -> str:
    return "not in it" if found is MISSING else kind_of(found)
