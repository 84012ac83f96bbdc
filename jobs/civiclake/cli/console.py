"""How commands speak: logs and sentences to stderr, results to stdout."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from civiclake.errors import CivicLakeError


def say(line: str) -> None:
    """One line of progress, on stderr."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def put(text: str) -> None:
    """A result, on stdout."""
    print(text, flush=True)  # noqa: T201


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A table for people; numbers stand to the right, and nothing is cut off."""
    table = Table(title=title or None, title_justify="left", title_style="bold")
    for index, name in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) or row[index] is None for row in rows)
        table.add_column(name, justify="right" if rows and numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
    out = Console()
    if not out.is_terminal:  # a pipe or a file has no width: take as much as is needed
        out = Console(width=max(80, Console(width=10_000).measure(table).maximum))
    out.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@contextmanager
def reporting() -> Iterator[Callable[[dict[str, Any]], None]]:
    """For commands that a scheduler runs: the last line on stdout is JSON, also when they fail."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)-7s %(message)s", stream=sys.stderr)
    for noisy in ("py4j", "botocore", "urllib3", "httpx", "great_expectations", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # It logs the stack of every lost connection; our own sentence says more.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    try:
        yield lambda result: put(json.dumps(result, default=str))
    except CivicLakeError as error:
        put(json.dumps({"error": str(error), "kind": type(error).__name__}))
        raise
