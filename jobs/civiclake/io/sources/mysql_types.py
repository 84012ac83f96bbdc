"""MariaDB's and MySQL's types: how the server writes a record of them as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymysql.constants import FIELD_TYPE

INSTANTS = ("timestamp", "datetime", "date")
INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
NUMBERS = (*INTEGERS, "decimal")
_BINARY = 63
"""The character set of what is no text."""
_KINDS = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.GEOMETRY: "geometry",
}
_PLAIN = (*NUMBERS, "float", "double", "year", "date", "time", "datetime")


def kinds(cursor: Any) -> dict[str, str]:
    """Types of a result's columns, by name.

    The driver's ``description`` does not tell text from bytes; its own result does.
    """
    fields = cursor._result.fields if cursor._result else ()
    return {field.name: _kind(field.type_code, field.charsetnr) for field in fields}


def _kind(code: int, charset: int) -> str:
    found = _KINDS.get(code)
    if found:
        return found
    return "binary" if charset == _BINARY and code != FIELD_TYPE.JSON else "text"


def quoted(name: str) -> str:
    """A name as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def csv_record(columns: Iterable[tuple[str, str]]) -> str:
    """An expression whose text is the record's line of CSV, without its end.

    The server writes it: it does so many times faster than Python, and knows its own types.
    Text is always quoted, so that an empty one and NULL (nothing at all) stay apart.

    Args:
        columns: as identifiers, with their types.
    """
    return "CONCAT_WS(',', " + ", ".join(_field(name, kind) for name, kind in columns) + ")"


def _field(column: str, kind: str) -> str:
    if kind in _PLAIN:
        return f"IFNULL({column}, '')"
    if kind == "timestamp":  # an instant, and the session's zone is UTC
        return f"IFNULL(CONCAT({column}, '+00:00'), '')"
    if kind == "bit":
        return f"IFNULL({column} + 0, '')"
    if kind == "geometry":
        return f"""IFNULL(CONCAT('"', ST_AsText({column}), '"'), '')"""
    if kind == "binary":  # as PostgreSQL writes it
        return f"IFNULL(CONCAT(CHAR(92 USING utf8mb4), 'x', LOWER(HEX({column}))), '')"
    text = f"CONVERT({column} USING utf8mb4) COLLATE utf8mb4_bin"
    return f"""IFNULL(CONCAT('"', REPLACE({text}, '"', '""'), '"'), '')"""
