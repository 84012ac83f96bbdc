"""The rows behind one figure of a mart, as a query that anybody can run again."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from sqlglot import TokenType, tokens

from civiclake.contracts.sql import sql_text


def bound(expression: str, row: Mapping[str, str]) -> str:
    """An expression over an input's columns, with a mart's row put in for each ``:column``.

    Texts and comments in it stay as they are, and so does everything that is no placeholder.

    Args:
        expression: as the mart's contract says it, such as ``to_date(visited_at) = :day``.
        row: the mart's columns, each with its value as a literal (:func:`literal`).

    Raises:
        KeyError: it names a column that the mart does not have.
    """
    found = tokens.Tokenizer(dialect="spark").tokenize(expression)
    text = expression
    for colon, name in reversed(list(pairwise(found))):
        if colon.token_type is TokenType.COLON and name.start == colon.end + 1:
            text = text[: colon.start] + row[name.text] + text[name.end + 1 :]
    return text


def literal(text: str | None, kind: str) -> str:
    """A value as Spark's SQL writes it, with its type.

    Args:
        text: the value as Spark casts it to text; None is null.
        kind: Spark's simple name of its type, such as ``date`` or ``decimal(10,2)``.
    """
    if text is None:
        return f"CAST(NULL AS {kind})"
    if kind == "string":
        return sql_text(text)
    if kind in ("date", "timestamp"):
        return f"{kind.upper()} {sql_text(text)}"
    if kind in ("int", "boolean"):
        return text
    return f"CAST({sql_text(text)} AS {kind.upper()})"
