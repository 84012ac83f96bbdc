"""A page as it was fetched: what is kept of it beside its body."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from civiclake.contracts.model import Dataset
from civiclake.contracts.rest import PagingKind
from civiclake.errors import SourceError
from civiclake.io.formats.json_path import MISSING, find
from civiclake.io.formats.json_values import kind_of
from civiclake.io.formats.text import json_text
from civiclake.io.landing.delivery import ask
from civiclake.io.sources.rest import signs as rest_signs
from civiclake.io.sources.rest.client import Answer
from civiclake.io.sources.rest.records import records_of

_HELD = 200
"""Characters of an answer's keys that a sentence may hold."""


class Page(BaseModel):
    """A page that was fetched; the index beside the pages has a line for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    address: str
    """Without its parameters."""
    sha256: str
    """Of the body as it came, unpacked."""
    content: str
    """SHA-256 of its records alone: a page that is repeated may tell another time of day."""
    size_bytes: int
    records: int
    total: int | None
    """All records, at the contract's own path."""
    following: str | None
    """Cursor or link to the next page."""
    names_next: bool
    """Whether the place of the next page's cursor or link is in the answer, even empty."""
    has_way: bool
    """Whether the object is there in which the contract looks for it."""
    says_next: str | None
    """Path to what many APIs call the next page, if it leads to one."""
    says_last: bool
    """Whether the answer says by such words that it is the last."""
    total_says: int | None
    """All records, under a name that many APIs use."""
    total_path: str | None
    holds: str
    """The names of what it holds."""
    fetched_at: AwareDatetime


def page_of(answer: Answer, number: int, dataset: Dataset, named: str) -> Page:
    """What is to be kept of an answer.

    Args:
        answer: as it came.
        number: of the page in the walk.
        dataset: the compiled contract.
        named: the dataset and its server, as a sentence begins.

    Raises:
        SourceError: it is no page of records.
    """
    paging = dataset.source.rest.paging
    records = records_of(answer.value, dataset, named)
    signs = rest_signs.read(answer.value)
    word = find(answer.value, paging.next) if paging.next else MISSING
    by_header = paging.kind is PagingKind.LINK and not paging.next
    return Page(
        file=f"{number:06d}.json.gz",
        address=answer.shown,
        sha256=hashlib.sha256(answer.body).hexdigest(),
        content=hashlib.sha256(json_text(records).encode("utf-8", "surrogatepass")).hexdigest(),
        size_bytes=len(answer.body),
        records=len(records),
        total=_total(answer.value, dataset, named),
        following=answer.next_link if by_header else _following(word, dataset, named),
        names_next=answer.linked if by_header else word is not MISSING,
        has_way=by_header or _has_way(answer.value, paging.next),
        says_next=signs.next or ("Link" if answer.next_link else None),
        says_last=signs.last,
        total_says=signs.total,
        total_path=signs.total_path,
        holds=_holds(answer.value),
        fetched_at=datetime.now(UTC),
    )


def _following(word: Any, dataset: Dataset, named: str) -> str | None:
    if word is MISSING or word in (None, "", False):
        return None
    if isinstance(word, Mapping | list):
        path = dataset.source.rest.paging.next
        raise SourceError(
            f"{named} gives {kind_of(word)} at {path}, not the word or address of the next page: "
            f"correct rest.paging.next in {dataset.path}, or {ask(dataset)}"
        )
    return str(word)


def _has_way(value: Any, path: str | None) -> bool:
    """Whether what should hold the last key of the path is there; of one key it is the answer."""
    before = (path or "").rpartition(".")[0]
    if not before or isinstance(find(value, before), Mapping):
        return True
    # Keys of one family, such as `@odata.context` and `@odata.nextLink`, hold dots themselves.
    return isinstance(value, Mapping) and any(str(key).startswith(f"{before}.") for key in value)


def _total(value: Any, dataset: Dataset, named: str) -> int | None:
    path = dataset.source.rest.paging.total
    if path is None or value is None or value == {}:
        return None
    found = find(value, path)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    said = "not in the answer" if found is MISSING else kind_of(found)
    raise SourceError(
        f"{named} tells no total: {path} is {said}: correct "
        f"rest.paging.total in {dataset.path}, or {ask(dataset)}"
    )


def _holds(value: Any) -> str:
    if not isinstance(value, Mapping):
        return kind_of(value)
    return ", ".join(map(str, value))[:_HELD] or "nothing"
