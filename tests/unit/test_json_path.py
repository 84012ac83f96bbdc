"""Paths into a JSON value, with keys that hold dots themselves."""

from __future__ import annotations

from typing import Any

import pytest

from civiclake.io.formats.json_path import MISSING, ends_early, find

VALUE: dict[str, Any] = {
    "@odata.nextLink": "next",
    "a": {"b": {"c": 1}, "n": None},
    "a.b": {"d": 2},
    "list": [{"x": 3}],
}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (None, VALUE),
        ("@odata.nextLink", "next"),
        ("a.b.c", 1),
        ("a.b.d", 2),
        ("a.b", {"d": 2}),
        ("a.n", None),
        ("list.0.x", 3),
        ("list.1.x", MISSING),
        ("list.-1", MISSING),
        ("a.n.x", MISSING),
        ("b", MISSING),
        ("", VALUE),
    ],
)
def test_what_a_path_leads_to(path: str | None, wanted: Any) -> None:
    assert find(VALUE, path) is wanted or find(VALUE, path) == wanted


def test_a_way_that_ends_in_nothing() -> None:
    assert ends_early({"items": ""}, "items.item")
    assert ends_early({"items": {"item": None}}, "items.item")
    assert ends_early({}, "items")
    assert not ends_early({"total": 0}, "items")
    assert not ends_early({"items": [1]}, "items")
