"""Paths into a JSON value, with keys that hold dots themselves."""

from __future__ import annotations

import io
import json
import re
from typing import Any, cast

import pytest

from civiclake.contracts.model import FileFormat
from civiclake.io.formats import json_document
from civiclake.io.formats.json_path import MISSING, ends_early, find
from civiclake.io.reading.inspect import Unreadable
from civiclake.io.samples.files import described
from civiclake.io.samples.records import path_to_records

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


@pytest.mark.parametrize(
    ("document", "records", "wanted"),
    [
        ({"odata.value": [{"a": 1}], "odata": {"value": [{"a": 2}]}}, "odata.value", ["1"]),
        ({"odata": {"value": []}, "odata.value": []}, "odata.value", "both odata and odata.value"),
        ({"odata.value": [{"a": 1}]}, "odata.value", ["1"]),
        ({"x": 1, "d.e": {"rows": [{"a": 1}]}}, "d.e.rows", ["1"]),
        ({"d": {"e.rows": [{"a": 1}]}}, "d.e.rows", ["1"]),
        ({"d": {"e": [{"a": 1}]}}, "d.f", "it has no d.f (d holds e)"),
    ],
)
def test_a_list_in_a_file_is_found_by_the_same_paths(
    document: Any, records: str, wanted: Any
) -> None:
    dataset = described(FileFormat.JSON, encoding="utf-8", records=records)
    text = io.BytesIO(json.dumps(document).encode())
    if isinstance(wanted, list):
        table = json_document.read(cast(io.BufferedReader, text), dataset)
        assert [row[0] for row in table.rows] == wanted
        return
    with pytest.raises(Unreadable, match=re.escape(wanted)):
        list(json_document.read(cast(io.BufferedReader, text), dataset).rows)


def test_a_list_under_a_key_with_dots_is_found_by_a_draft() -> None:
    assert path_to_records({"odata.value": [{"a": 1}], "odata.count": 1}) == "odata.value"
