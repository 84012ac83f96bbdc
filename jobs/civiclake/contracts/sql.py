"""How names and texts stand in Spark's SQL."""

from __future__ import annotations


def sql_name(name: str) -> str:
    """A name of a column or a table, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def sql_text(value: str) -> str:
    """A text; Spark reads a backslash as the start of an escape."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
