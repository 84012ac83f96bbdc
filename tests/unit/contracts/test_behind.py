"""A mart's row stands in the query of the rows behind it as values of its own types."""

from __future__ import annotations

import pytest

from civiclake.contracts.behind import bound, literal


@pytest.mark.parametrize(
    ("text", "kind", "want"),
    [
        ("2016-01-02", "date", "DATE '2016-01-02'"),
        ("2016-01-02 03:04:05.5", "timestamp", "TIMESTAMP '2016-01-02 03:04:05.5'"),
        ("O'Neil \\ 5", "string", "'O\\'Neil \\\\ 5'"),
        ("12", "int", "12"),
        ("true", "boolean", "true"),
        ("12", "bigint", "CAST('12' AS BIGINT)"),
        ("1.50", "decimal(10,2)", "CAST('1.50' AS DECIMAL(10,2))"),
        ("1.0E-4", "double", "CAST('1.0E-4' AS DOUBLE)"),
        (None, "date", "CAST(NULL AS date)"),
    ],
)
def test_values_keep_their_types(text: str | None, kind: str, want: str) -> None:
    assert literal(text, kind) == want


def test_placeholders_alone_are_filled() -> None:
    said = "to_date(at) = :day AND name <=> :name AND x = 'a:day' AND b::date > d -- :day"
    row = {"day": "DATE '2016-01-02'", "name": "':day'"}
    want = "to_date(at) = DATE '2016-01-02' AND name <=> ':day' AND x = 'a:day' AND b::date > d"
    assert bound(said, row) == f"{want} -- :day"


def test_a_column_that_the_mart_has_not_is_named() -> None:
    with pytest.raises(KeyError, match="line"):
        bound("line_id = :line", {"day": "1"})
