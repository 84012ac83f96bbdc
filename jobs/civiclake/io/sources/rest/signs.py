"""What an answer says beside its records in words that many APIs use: more pages, a total.

The contract's own paths are followed to the letter; these words only show that a contract is
wrong, before rows are lost by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CURSORS = ("next_cursor", "cursor", "next_page_token", "continuation_token", "next_token", "after")
ADDRESSES = ("next", "next_url", "next_page_url", "next_link", "next_page", "next_href")
TOTALS = ("total", "total_count", "total_results", "total_records", "total_elements", "count")
_NEXT = (*ADDRESSES, "next_cursor", "next_page_token", "continuation_token", "next_token")
_MORE = ("has_more", "has_next", "has_next_page", "more", "exceeded_transfer_limit")
_AROUND = (
    "meta", "metadata", "_meta", "paging", "pagination", "pager", "page", "page_info", "links",
    "_links", "d", "info", "response_metadata", "next",
)  # fmt: skip
"""Objects that speak of the answer and not of the city."""
_NOTHING = (None, "", "false", False)


@dataclass(frozen=True)
class Signs:
    """What is said of the answer's place among others."""

    next: str | None = None
    """Path to a word or an address of one more page."""
    last: bool = False
    """Whether it says that no page follows: ``next: null``, ``hasMore: false``."""
    total: int | None = None
    """Records in all, if it says so."""
    total_path: str | None = None


def read(value: Any) -> Signs:
    """Look at an answer."""
    said = dict(fields(value))
    nexts = {p: v for p, v in said.items() if _is_next(p)}
    going_on = [p for p, v in nexts.items() if v not in _NOTHING]
    totals = [p for p in said if plain(last_name(p)) in TOTALS and whole(said[p]) >= 0]
    path = min(
        totals, key=lambda p: (TOTALS.index(plain(last_name(p))), p.count(".")), default=None
    )
    return Signs(
        next=going_on[0] if going_on else None,
        last=bool(nexts) and not going_on,
        total=whole(said[path]) if path else None,
        total_path=path,
    )


def fields(value: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    """Scalars by their path, of an answer and of the objects that speak of it."""
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if not name:
            continue
        if isinstance(item, Mapping):
            # Deeper only where links are objects: `_links.next.href`.
            if name.lower() in _AROUND and (not way or plain(name) == "next"):
                yield from fields(item, f"{way}{name}.")
        elif not isinstance(item, list):
            yield f"{way}{name}", item


def last_name(path: str) -> str:
    """The last key of a path."""
    return path.rpartition(".")[2]


def plain(name: str) -> str:
    """``nextPageToken``, ``next-page-token`` and ``$top`` in one spelling."""
    parted = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return parted.replace("-", "_").replace("__", "_").strip("_$@")


def whole(value: Any) -> int:
    """The number, or -1 for what is none."""
    if isinstance(value, bool):
        return -1
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


def is_href(path: str) -> bool:
    """Whether it is the address of a link object of the next page."""
    return plain(last_name(path)) == "href" and plain(last_name(path.rpartition(".")[0])) == "next"


def _is_next(path: str) -> bool:
    return plain(last_name(path)) in (*_NEXT, *_MORE) or is_href(path)
