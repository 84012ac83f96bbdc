"""``sql``: one query through the analysts' door."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer

from civiclake.cli.console import show_table
from civiclake.engine import analysts
from civiclake.errors import UserError
from civiclake.settings import Settings, load_settings

PASSWORD = "CIVICLAKE_SQL_PASSWORD"  # noqa: S105 - a variable's name
_SHOWN_ROWS = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sql")(sql)


def sql(
    query: Annotated[str, typer.Argument(help="one statement")],
    fmt: Annotated[Format, typer.Option("--format", help="json: one object a line")] = Format.TABLE,
    user: Annotated[str, typer.Option(help=f"password in ${PASSWORD}")] = analysts.DEFAULT,
) -> None:
    """Run a query as an analyst, over unified.* and marts.*.

    In CSV, text that begins like a formula gets an apostrophe in front of it. Years before 1 and
    after 9999 are printed as Spark writes them: +10000-01-01.
    """
    from civiclake.engine.client import query as run

    settings = load_settings()
    columns, rows = run(settings, query, user, password_of(settings, user))
    if fmt is Format.TABLE:
        _print_table(columns, rows)
    elif fmt is Format.CSV:
        writer = csv.writer(_Lines(), lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([_escaped(value) for value in row] for row in rows)
    else:
        _print_json(columns, rows)


def _print_json(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise UserError(
            f"more than one column of the result is named {', '.join(twice)}, and an object names"
            " each once: name them apart with AS"
        )
    for row in rows:
        values = dict(zip(columns, map(_json_value, row), strict=True))
        line = json.dumps(values, default=str, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(line + "\n")


def _json_value(value: Any) -> Any:
    """JSON knows no infinity and no NaN: they are text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class _Lines:
    """Lines that end as shells like it; the writer quotes what its own line end is made of."""

    def write(self, line: str) -> None:
        sys.stdout.write(line.removesuffix("\r\n") + "\n")


def _escaped(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula, and run, gets an apostrophe in front.

    Numbers are numbers: what is no text in the lake stays as it is.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _print_table(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    shown = list(islice(rows, _SHOWN_ROWS))
    show_table(columns, shown)
    if next(rows, None) is not None:
        sys.stderr.write(f"only the first {_SHOWN_ROWS} rows are shown; --format csv gives all\n")


def password_of(settings: Settings, user: str) -> str:
    """The password of an analyst: given by the environment, or the default analyst's own."""
    given = os.environ.get(PASSWORD, "")
    if given or user != analysts.DEFAULT:
        return given
    return analysts.default_password(settings)
