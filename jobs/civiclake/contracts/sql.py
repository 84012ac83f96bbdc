"""How names and texts stand in Spark's SQL."""

from __future__ import annotations

import re
from collections.abc import Callable

_APART = re.compile(
    r"\b[rR]'[^']*'|\b[rR]\"[^\"]*\"|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`"
    r"|--[^\n]*|/\*.*?\*/",
    re.DOTALL,
)
"""Texts, quoted names and comments: in none of them a word is a word of the query."""


def sql_name(name: str) -> str:
    """A name of a column or a table, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def sql_text(value: str) -> str:
    """A text; Spark reads a backslash as the start of an escape."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def in_code(query: str, change: Callable[[str], str]) -> str:
    """Change a query, and leave its texts, quoted names and comments as they are.

    Args:
        query: one statement.
        change: gets each part between these, and gives what stands there instead.
    """
    parts, done = [], 0
    for found in _APART.finditer(query):
        parts += [change(query[done : found.start()]), found[0]]
        done = found.end()
    return "".join([*parts, change(query[done:])])
