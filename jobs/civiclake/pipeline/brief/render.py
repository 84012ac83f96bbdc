"""From the pages as data to HTML: one file each, which loads nothing and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from civiclake.pipeline.brief import charts, maps, numbers
from civiclake.pipeline.brief.sheet import Alarm, Brief, Department, Part, Sheet, Table

_FOLDER = Path(__file__).with_name("templates")
INDEX = "index.html"


def pages(brief: Brief) -> dict[str, str]:
    """Every page's text, by the name of its file."""
    found = {INDEX: _render("index.html", brief, None)}
    for sheet in brief.sheets:
        found[name_of(sheet)] = _render("application.html", brief, sheet)
    for department in brief.departments:
        found[name_of(department)] = _render("department.html", brief, department)
    return found


def name_of(page: Sheet | Department) -> str:
    """The file of a page."""
    if isinstance(page, Sheet):
        return f"{page.application}.html"
    return f"department-{page.name}.html"


def needs(brief: Brief) -> dict[str, list[str]]:
    """Ids of the DAGs that a page's reader must be allowed to see, by the name of its file."""
    found = {name_of(one): list(one.dags) for one in brief.sheets}
    found |= {name_of(one): [one.name] for one in brief.departments}
    found[INDEX] = sorted({dag for dags in found.values() for dag in dags})
    return found


def _render(template: str, brief: Brief, page: Sheet | Department | None) -> str:
    def drawn(part: Part) -> Markup:
        return Markup(_draw(part, brief))  # noqa: S704 - it escapes every text of its own

    made = _environment().get_template(template)
    return made.render(brief=brief, page=page, drawn=drawn, **_WORDS)


def _draw(part: Part, brief: Brief) -> str:
    if part.chart is None or not part.table.rows:
        return ""
    if part.chart.kind == "map":
        return maps.areas_map(part.chart, part.table, brief.areas, brief.names)
    return charts.bars(part.chart, part.table) if part.chart.kind == "bars" else charts.lines(
        part.chart, part.table
    )  # fmt: skip


def _ago(at: datetime | None, brief: Brief) -> str:
    return numbers.NONE if at is None else numbers.age(at, brief.made_at)


def _meanings(table: Table) -> list[tuple[str, str]]:
    return [(numbers.head(head.name), head.meaning) for head in table.heads if head.meaning]


def _sentence(alarm: Alarm, brief: Brief) -> str:
    """What an alarm says, with the names of the districts that it is of."""
    said = alarm.sentence
    for pair in alarm.of.split(", "):
        name, _, code = pair.partition("=")
        told = numbers.named(name, code, brief.names)
        if told != code:
            said = re.sub(rf"\b{re.escape(code)}\b", told.replace("\\", r"\\"), said)
    return said


_WORDS: Mapping[str, Callable[..., object]] = {
    "ago": _ago,
    "head": numbers.head,
    "meanings": _meanings,
    "moment": numbers.moment,
    "name_of": name_of,
    "named": numbers.named,
    "number": numbers.number,
    "shape": numbers.shape,
    "sentence": _sentence,
    "shown": numbers.shown,
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["spaced"] = lambda name: name.replace("_", " ")
    return made
