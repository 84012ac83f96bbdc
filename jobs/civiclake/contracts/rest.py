"""What a contract says of a REST source: its pages, its login, how it tells new from old."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from civiclake.contracts.frozen import Frozen


class PagingKind(StrEnum):
    """How a client asks for the next page."""

    NONE = "none"
    """All records come in one answer."""
    PAGE = "page"
    """By the page's number."""
    OFFSET = "offset"
    """By the number of records before it."""
    CURSOR = "cursor"
    """By a word that the page before gives in its body."""
    LINK = "link"
    """By the address that the page before gives: in its ``Link`` header (RFC 8288), or in its
    body where ``next`` names it."""


class End(StrEnum):
    """An answer that ends a walk through the pages, where nothing in it tells so."""

    NO_NEXT = "no_next"
    """A page without the next one's cursor or address, the first one too."""
    NOT_FOUND = "not_found"
    """The server knows no page beyond the last (404, or another status of the same kind)."""
    REPEATED_PAGE = "repeated_page"
    """The server gives the last page again."""
    EMPTY_BODY = "empty_body"
    """An answer of status 200 without a body; 204 says it by itself."""


class Auth(StrEnum):
    """How a client says who it is; the credentials are those of the connection."""

    NONE = "none"
    BEARER = "bearer"
    """``<ID>_TOKEN``, as RFC 6750."""
    BASIC = "basic"
    """``<ID>_USER`` and ``<ID>_PASSWORD``."""
    API_KEY = "api_key"
    """``<ID>_API_KEY``, in a header."""


class Paging(Frozen):
    """The way from page to page."""

    kind: PagingKind = PagingKind.NONE
    size: int = Field(default=500, ge=1, le=100_000)
    """Records asked for in one page; the server may give fewer."""
    size_parameter: str | None = "per_page"
    parameter: str | None = None
    """Name of the parameter; by default the kind's own word."""
    first: int = Field(default=1, ge=0, le=1)
    """Number of the first page."""
    next: str | None = None
    """Path in the body to the word that asks for the next page (cursor), or to its address."""
    total: str | None = None
    """Path in the body to the number of all records, if the server tells it."""
    end: End | None = None
    """What the contract vouches for as the end, where the walk would else be refused."""

    @model_validator(mode="after")
    def _check_next(self) -> Paging:
        if self.kind is PagingKind.CURSOR and self.next is None:
            raise ValueError("'next' is missing: the path to the next cursor")
        if self.kind not in (PagingKind.CURSOR, PagingKind.LINK) and self.next is not None:
            raise ValueError(
                "'next' is the path to the next cursor or address: it goes with kind 'cursor'"
                " or 'link'"
            )
        return self

    @model_validator(mode="after")
    def _check_end(self) -> Paging:
        by_number = self.kind in (PagingKind.PAGE, PagingKind.OFFSET)
        if self.end in (End.NOT_FOUND, End.REPEATED_PAGE) and not by_number:
            raise ValueError(f"end '{self.end}' goes with kind 'page' or 'offset'")
        if self.end is End.NO_NEXT and by_number:
            raise ValueError("end 'no_next' goes with kind 'cursor', 'link' or 'none'")
        return self


class Rest(Frozen):
    """A REST source."""

    paging: Paging = Paging()
    auth: Auth = Auth.NONE
    api_key_header: str = Field(default="X-Api-Key", pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    parameters: dict[str, str] = Field(default_factory=dict)
    """Sent with every request."""
    since_parameter: str | None = None
    """Asks for records that changed since then (incremental loads)."""
    key: str | None = None
    """Path to what makes a record itself, by default the primary key."""
    error: str | None = None
    """An answer that holds this path is an error, whatever its status says."""
    omits_nulls: bool = False
    """Whether a column that no record holds is null rather than gone."""
    requests_per_second: float = Field(default=20, gt=0, le=1000)
