"""Rows that a command works with: asked at the analysts' door, or read from a file like it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from civiclake.cli.query import password_of
from civiclake.errors import UserError
from civiclake.settings import Settings, load_settings

if TYPE_CHECKING:
    import pandas as pd  # a third of a second, which other commands go without


def ask(settings: Settings, sql: str, user: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Names of a query's columns, and its rows as they come.

    Raises:
        UserError: the door refuses.
    """
    from civiclake.engine.client import query

    return query(settings, sql, user, password_of(settings, user))


def asked(sql: str, user: str) -> pd.DataFrame:
    """The whole answer to a query.

    Raises:
        UserError: the door refuses.
    """
    import pandas as pd

    columns, rows = ask(load_settings(), sql, user)
    return pd.DataFrame([list(row) for row in rows], columns=columns)


def read_csv(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Columns of a CSV file as text; what is empty is None.

    Raises:
        UserError: it cannot be read, or lacks one of them.
    """
    import pandas as pd

    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            given = list(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: cannot be read as CSV in UTF-8 ({error})") from None
    missing = [name for name in wanted if name not in given]
    if missing:
        raise UserError(
            f"{file}: column {missing[0]!r} is missing; wanted are {', '.join(wanted)}, as"
            f" `civiclake sql --format csv` writes them"
        )
    plain = [[row[name] or None for name in wanted] for row in rows]
    return pd.DataFrame(plain, columns=list(wanted))


def day(text: str) -> date:
    """A day that somebody named.

    Raises:
        UserError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"day {text!r}: YYYY-MM-DD is allowed") from None
