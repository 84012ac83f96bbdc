"""JSON's odd numbers and texts: one record's fault, told with its place."""

from __future__ import annotations

import pytest
from format_samples import read

from civiclake.io.reading.inspect import Unreadable


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_number_that_no_computer_counts_with_is_kept_as_text(kind: str) -> None:
    record = b'{"id": "a", "n": 1e9999999999999999999, "m": -0.5E-9999999999999999999}'
    content = b"[" + record + b"]" if kind == "json" else record
    (found,) = read(content, kind)
    assert found == {"id": "a", "n": "1e9999999999999999999", "m": "-0.5E-9999999999999999999"}


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (rb'{"id": "\ud800"}', "record 2, id: the value '.ud800' holds half a character"),
        (rb'{"id": {"x": "a\udc00"}}', "record 2, id: the value .* holds half a character"),
        (rb'{"\ud800": 1}', "record 2, a name: the value '.ud800' holds half a character"),
        (rb'{"id": ["\u0000"]}', None),
        (rb'{"id": "\u0000"}', "record 2, id: the value .* holds a NUL character"),
    ],
)
def test_what_no_text_may_hold_is_told_with_its_record(
    kind: str, bad: bytes, place: str | None
) -> None:
    records = [b'{"id": "\\ud83d\\ude00"}', bad]
    content = b"[" + b",".join(records) + b"]" if kind == "json" else b"\n".join(records)
    if place is None:  # JSON text has an escape for it
        assert read(content, kind) == [{"id": "😀"}, {"id": '["\\u0000"]'}]
        return
    with pytest.raises(Unreadable, match=place):
        read(content, kind)


def test_a_feature_without_geometry_keeps_its_row() -> None:
    content = (
        b'{"type": "FeatureCollection", "features": ['
        b'{"properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [102.7, 25.04]}},'
        b'{"properties": {"n": 2}, "geometry": null}]}'
    )
    paths = ("properties.n", "geometry.coordinates.0", "geometry.coordinates.1")
    found = read(content, "json", dict.fromkeys(paths, "string"), records="features")
    assert [tuple(row[path] for path in paths) for row in found] == [
        ("1", "102.7", "25.04"),
        ("2", None, None),
    ]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (b'{"a.b": [{"n": 1}], "a": {"b": {"c": [{"n": 2}]}}}', "2"),
        (b'{"a": 7, "a.b": {"c": [{"n": 3}]}}', "3"),
        (b'{"a.b": {"c": [{"n": 4}]}, "a": {"b": {"c": []}}}', "4"),
        (b'{"a": {"b": {"c": []}}, "a.b": {"c": []}}', "the document has both a and a.b"),
        (b'{"a": [], "x": 1}', "a is a list, so it has no b.c"),
        (b'{"a": 7, "a": {"b": {"c": []}}}', "the document names a more than once"),
    ],
)
def test_a_key_with_dots_stands_in_no_other_s_way(document: bytes, found: str) -> None:
    if found.isdigit():
        assert read(document, "json", records="a.b.c") == [{"n": found}]
        return
    with pytest.raises(Unreadable, match=found):
        read(document, "json", records="a.b.c")
