"""How an endpoint goes on to its next page, as far as one answer can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from civiclake.contracts.rest import End
from civiclake.io.sources.rest.signs import ADDRESSES, CURSORS, TOTALS, is_href, last_name
from civiclake.io.sources.rest.signs import plain as _plain
from civiclake.io.sources.rest.signs import whole as _whole

_SIZES = ("per_page", "page_size", "limit", "size", "top", "rows", "max_results",
          "result_record_count")  # fmt: skip
_PAGES = ("page", "page_number", "page_no", "page_index", "current_page")
_OFFSETS = ("offset", "skip", "start", "start_index", "result_offset")
_ASKED_BY = {
    "next_page_token": "page_token", "continuation_token": "continuation_token",
    "next_token": "next_token", "after": "after",
}  # fmt: skip
"""The parameter that takes the word of such a field; of others it is ``cursor``."""
_MOST_PER_PAGE = 100_000
_ARCGIS = {"exceededTransferLimit", "objectIdFieldName"}
_REVIEW = "look whether all records come"


def is_paging(name: str) -> bool:
    """Whether a parameter of an address asks for a page rather than for certain records."""
    return _plain(name) in (*_SIZES, *_PAGES, *_OFFSETS, *CURSORS, "page_token")


def guess_paging(
    value: Any, count: int, linked: bool, parameters: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """What the contract says in ``rest.paging`` (nothing: one page), and why, in words.

    Args:
        value: the answer.
        count: how many records it holds.
        linked: whether its ``Link`` header names a next page.
        parameters: those of the address that was asked.
    """
    seen = _Seen(dict(_fields(value, "")), count, parameters)
    if linked:
        found = {"kind": "link"} | seen.size() | seen.total()
        return found, f"paging by link: the Link header names a next page; {_REVIEW}"
    return (
        seen.odata()
        or seen.arcgis()
        or seen.cursor()
        or seen.next_address()
        or seen.number()
        or seen.whole()
    )


@dataclass(frozen=True)
class _Seen:
    """The fields beside the records: scalars by their dotted path."""

    fields: Mapping[str, Any]
    count: int
    parameters: Mapping[str, str]

    def total(self) -> dict[str, str]:
        """Where the number of all records is told; what is less than one page is none."""
        found = self._field(TOTALS)
        told = found is not None and _whole(self.fields[found]) >= self.count
        if found and _name(found) == "count" and _whole(self.fields[found]) == self.count:
            return {}  # it may as well count the records of this page, and would end the walk
        return {"total": found} if found and told else {}

    def size(self) -> dict[str, Any]:
        """How many records to ask for, and under which name, where it is known."""
        asked = next((name for name in self.parameters if _plain(name) in _SIZES), None)
        told = self._field(_SIZES)
        name = asked or (told.rpartition(".")[2] if told else None)
        said = self.parameters[asked] if asked else self.fields[told] if told else self.count
        size = _whole(said)
        # A parameter that the server does not know may be refused: better none than a guess.
        return {
            "size": size if 1 <= size <= _MOST_PER_PAGE else max(self.count, 1),
            "size_parameter": name,
        }

    def odata(self) -> tuple[dict[str, Any], str] | None:
        """OData names the next page's address, and leaves the name out of the last page."""
        if not any(path.startswith("@odata.") for path in self.fields):
            return None
        # `$top` bounds the whole answer there, and must not be sent for the size of a page.
        found = {"kind": "link", "size": max(self.count, 1), "size_parameter": None}
        found |= {"next": "@odata.nextLink", "end": str(End.NO_NEXT)}
        note = "paging by link: OData gives the next page's address in `@odata.nextLink`"
        if "@odata.count" in self.fields:
            return found | {"total": "@odata.count"}, f"{note}; {_REVIEW}"
        return found, f"{note}; with the parameter $count it tells a total; {_REVIEW}"

    def arcgis(self) -> tuple[dict[str, Any], str] | None:
        """A feature service of ArcGIS says only when more is left."""
        if not _ARCGIS & self.fields.keys():
            return None
        asked = next((p for p in self.parameters if _plain(p) == "result_record_count"), None)
        size = self.size() if asked else {"size": max(self.count, 1)}
        found = {"kind": "offset"} | size
        found |= {"parameter": "resultOffset", "size_parameter": "resultRecordCount"}
        note = "paging by offset, as feature services of ArcGIS do; let the address' parameters"
        return found, f"{note} hold an order (orderByFields); {_REVIEW}"

    def cursor(self) -> tuple[dict[str, Any], str] | None:
        """A field that holds the word for the next page, even an empty one on the last."""
        path = self._field((*CURSORS, "next"))
        if path is None or (_name(path) == "next" and self._field(("previous", "prev"))):
            return None
        if _is_address(self.fields[path]) or isinstance(self.fields[path], bool):
            return None
        asked = next((p for p in self.parameters if _plain(p) in (*CURSORS, "page_token")), None)
        parameter = asked or _spelled(_ASKED_BY.get(_name(path), "cursor"), path)
        found = {"kind": "cursor"} | self.size() | {"parameter": parameter, "next": path}
        note = f"paging by cursor: `{path}` is taken for what the parameter `{parameter}` asks for"
        return found | self.total(), f"{note}; {_REVIEW}"

    def next_address(self) -> tuple[dict[str, Any], str] | None:
        """A next page's whole address in the body: by its parameters, or else followed."""
        path = self._field(ADDRESSES) or next(filter(is_href, self.fields), None)
        if path is None or not _is_address(self.fields[path]):
            return None
        for name, word in parse_qsl(urlsplit(self.fields[path]).query):
            for kind, names in (("page", _PAGES), ("offset", _OFFSETS)):
                if _plain(name) in names:
                    first = {"first": 0} if kind == "page" and word == "1" else {}
                    found = {"kind": kind} | self.size() | {"parameter": name} | first
                    note = f"paging by {kind}: the address in `{path}` has the parameter `{name}`"
                    return found | self.total(), f"{note}; {_REVIEW}"
        found = {"kind": "link"} | self.size() | {"next": path}
        note = f"paging by link: `{path}` holds the next page's address"
        return found | self.total(), f"{note}; {_REVIEW}"

    def number(self) -> tuple[dict[str, Any], str] | None:
        """An echoed offset or number of the page, or a total that this answer does not reach."""
        for kind, names in (("offset", _OFFSETS), ("page", _PAGES)):
            path = self._field(names)
            if path and _whole(self.fields[path]) < 0:  # a date, say, and no place in a list
                path = None
            asked = next((p for p in self.parameters if _plain(p) in names), None)
            if path is None and asked is None:
                continue
            parameter = asked or _spelled(_ASKED_AS.get(_name(str(path)), _name(str(path))), path)
            zero = kind == "page" and path is not None and _whole(self.fields[path]) == 0
            found = {"kind": kind} | self.size() | {"parameter": parameter}
            why = f"the answer has `{path}`" if path else f"the address has `{asked}`"
            note = f"paging by {kind}: {why}; {_REVIEW}"
            return found | ({"first": 0} if zero else {}) | self.total(), note
        total = self.total()
        if total and _whole(self.fields[total["total"]]) > self.count:
            note = f"paging by page: `{total['total']}` is more than the {self.count} records"
            note += " of this answer, but nothing tells how to ask for the others"
            return {"kind": "page"} | self.size() | total, f"{note}; {_REVIEW}"
        return None

    def whole(self) -> tuple[dict[str, Any], str]:
        """Nothing speaks of pages."""
        note = f"all records seem to come in one answer ({self.count:,} came)"
        # With a total, a night that brings less than all of it fails instead of losing them.
        total = self.total()
        return ({"kind": "none"} | total if total else {}), f"{note}; {_REVIEW}"

    def _field(self, names: tuple[str, ...]) -> str | None:
        """The path to the field of the likeliest of these names, the shallowest first."""
        known = [path for path in self.fields if _name(path) in names]
        return min(known, key=lambda p: (names.index(_name(p)), p.count(".")), default=None)


_ASKED_AS = {"current_page": "page"}


def _fields(value: Any, way: str) -> Iterator[tuple[str, Any]]:
    """Scalars beside the records, at most three keys deep; deeper where a link is an object."""
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if not name:
            continue
        if isinstance(item, Mapping) and (way.count(".") < 2 or _plain(name) == "next"):
            yield from _fields(item, f"{way}{name}.")
        elif not isinstance(item, Mapping | list):
            yield f"{way}{name}", item


def _name(path: str) -> str:
    return _plain(last_name(path))


def _spelled(parameter: str, path: str | None) -> str:
    """A parameter in the spelling of the field that it was guessed from."""
    if path is None or not any(c.isupper() for c in path.rpartition(".")[2]):
        return parameter
    head, *rest = parameter.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))
