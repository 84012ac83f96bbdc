"""How an endpoint goes on to its next page, as far as one answer can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_SIZES = ("per_page", "page_size", "limit", "size", "top", "rows", "max_results")
_PAGES = ("page", "page_number", "page_no", "page_index", "current_page")
_OFFSETS = ("offset", "skip", "start", "start_index")
_CURSORS = ("next_cursor", "cursor", "next_page_token", "continuation_token", "next_token", "after")
_TOTALS = ("total", "total_count", "total_results", "total_records", "total_elements", "count")
_ASKED_BY = {
    "next_page_token": "page_token", "continuation_token": "continuation_token",
    "next_token": "next_token", "after": "after",
}  # fmt: skip
"""The parameter that takes the word of such a field; of others it is ``cursor``."""
_MOST_PER_PAGE = 100_000
_REVIEW = "look whether all records come"


def is_paging(name: str) -> bool:
    """Whether a parameter of an address asks for a page rather than for certain records."""
    return _plain(name) in (*_SIZES, *_PAGES, *_OFFSETS, *_CURSORS, "page_token")


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
    return seen.cursor() or seen.next_address() or seen.number() or seen.whole()


@dataclass(frozen=True)
class _Seen:
    """The fields beside the records: scalars by their dotted path."""

    fields: Mapping[str, Any]
    count: int
    parameters: Mapping[str, str]

    def total(self) -> dict[str, str]:
        """Where the number of all records is told; what is less than one page is none."""
        found = self._field(_TOTALS)
        told = found is not None and _whole(self.fields[found]) >= self.count
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

    def cursor(self) -> tuple[dict[str, Any], str] | None:
        """A field that holds the word for the next page, even an empty one on the last."""
        path = self._field((*_CURSORS, "next"))
        if path is None or (_name(path) == "next" and self._field(("previous", "prev"))):
            return None
        if _is_address(self.fields[path]) or isinstance(self.fields[path], bool):
            return None
        asked = next((p for p in self.parameters if _plain(p) in (*_CURSORS, "page_token")), None)
        parameter = asked or _spelled(_ASKED_BY.get(_name(path), "cursor"), path)
        found = {"kind": "cursor"} | self.size() | {"parameter": parameter, "next": path}
        note = f"paging by cursor: `{path}` is taken for what the parameter `{parameter}` asks for"
        return found | self.total(), f"{note}; {_REVIEW}"

    def next_address(self) -> tuple[dict[str, Any], str] | None:
        """A next page's whole address in the body: only its parameters can be made use of."""
        path = self._field(("next", "next_url", "next_page_url", "next_link", "next_page", "href"))
        if path is None or not _is_address(self.fields[path]):
            return None
        for name, word in parse_qsl(urlsplit(self.fields[path]).query):
            for kind, names in (("page", _PAGES), ("offset", _OFFSETS)):
                if _plain(name) in names:
                    first = {"first": 0} if kind == "page" and word == "1" else {}
                    found = {"kind": kind} | self.size() | {"parameter": name} | first
                    note = f"paging by {kind}: the address in `{path}` has the parameter `{name}`"
                    return found | self.total(), f"{note}; {_REVIEW}"
        note = f"ONE PAGE ONLY: `{path}` holds the next page's address, which can't be followed"
        return {"kind": "none"}, f"{note} from a body; ask whether a Link header could tell it"

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
    """Scalars beside the records, at most two keys deep."""
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if not name or "." in name:
            continue
        if isinstance(item, Mapping) and not way:
            yield from _fields(item, f"{name}.")
        elif not isinstance(item, Mapping | list):
            yield f"{way}{name}", item


def _name(path: str) -> str:
    return _plain(path.rpartition(".")[2])


def _plain(name: str) -> str:
    """``nextPageToken``, ``next-page-token`` and ``$top`` in one spelling."""
    parted = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return parted.replace("-", "_").replace("__", "_").strip("_$@")


def _spelled(parameter: str, path: str | None) -> str:
    """A parameter in the spelling of the field that it was guessed from."""
    if path is None or not any(c.isupper() for c in path.rpartition(".")[2]):
        return parameter
    head, *rest = parameter.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))


def _whole(value: Any) -> int:
    """The number, or -1 for what is none."""
    if isinstance(value, bool):
        return -1
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
