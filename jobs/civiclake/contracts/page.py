"""What a page of the city's brief shows: declared in ``marts/<application>/page.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from civiclake.contracts.frozen import Frozen

FILE = "page.yaml"


class Headline(Frozen):
    """What is said first, and compared with what was published before."""

    query: str = Field(min_length=1)
    """Over the application's marts; gives one row."""
    says: str = Field(min_length=1)
    """The sentence, with the query's columns in braces."""


class Chart(Frozen):
    """How a part's rows are drawn."""

    kind: Literal["bars", "lines", "map"]
    by: str
    """Column of the bars' names, of the days along the lines, or of the map's areas: district
    codes or cells of the H3 grid."""
    value: str
    series: str | None = None
    """Column that tells one line from another."""
    says: str = Field(min_length=1)
    """What is drawn and in which unit; the chart's text alternative begins with it."""


class Part(Frozen):
    """One question, its chart and its table."""

    title: str = Field(min_length=1)
    query: str = Field(min_length=1)
    rows: int = Field(default=20, ge=1, le=200)
    """How many rows the table shows; the chart shows all."""
    persons: str | None = None
    """Column that counts the persons of a row; rows of fewer than the mart's smallest group are
    left out, and the page says how many."""
    chart: Chart | None = None


class Page(Frozen):
    """One application's page."""

    application: str = ""
    """The folder's name."""
    marts: tuple[str, ...] = ()
    """Ids of the marts that its queries read."""
    title: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    headlines: tuple[Headline, ...]
    parts: tuple[Part, ...]

    @property
    def queries(self) -> list[str]:
        """All that it asks."""
        return [*(one.query for one in self.headlines), *(one.query for one in self.parts)]
