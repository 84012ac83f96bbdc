"""Parquet of every kind of writer: encodings, types, and values inside of others."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from format_samples import parquet, read

from civiclake.io.reading.inspect import Unreadable

GEOMETRY = b"\x01\x01\x00\x00\x00" + b"\xff" * 16


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", "PLAIN"])
def test_encodings_of_text(encoding: str) -> None:
    table = {"a": ["橡树", None, "橡木"], "b": ["x", "x", "x"]}
    content = parquet(table, use_dictionary=["b"], column_encoding={"a": encoding})
    assert read(content, "parquet") == [
        {"a": "橡树", "b": "x"},
        {"a": None, "b": "x"},
        {"a": "橡木", "b": "x"},
    ]


def test_bytes_that_no_contract_names_are_passed_over() -> None:
    shapes = pa.array([[GEOMETRY], None])
    table = {"id": ["a", "b"], "geometry": [GEOMETRY, None], "shapes": shapes, "old": [b"x", None]}
    assert read(parquet(table), "parquet") == [{"id": "a", "old": "x"}, {"id": "b", "old": None}]
    words = r"bytes that are no text \(column geometry, row 1\)"
    with pytest.raises(Unreadable, match=words):
        read(parquet(table), "parquet", {"geometry": "string"})
    with pytest.raises(Unreadable, match=r"bytes that are no text \(column shapes, row 1\)"):
        read(parquet(table), "parquet", {"shapes": "string"})


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_value_without_text_is_told_with_its_row(use_dictionary: bool) -> None:
    table = {"id": [b"a"] * 5000 + [GEOMETRY]}
    content = parquet(table, use_dictionary=use_dictionary)
    with pytest.raises(Unreadable, match=r"\(column id, row 5,001\)"):
        read(content, "parquet", {"id": "string"})


def test_a_name_twice() -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["id", "id"])
    with pytest.raises(Unreadable, match="its header names id more than once"):
        read(parquet(table), "parquet")


def test_uuids() -> None:
    found = uuid.UUID("12345678-1234-5678-1234-567812345678")
    table = {"id": pa.array([found.bytes, None], pa.uuid())}
    for options in ({}, {"store_schema": False}):
        assert read(parquet(table, **options), "parquet") == [{"id": str(found)}, {"id": None}]


MOMENT = dt.datetime(2016, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
KINDS: list[tuple[pa.DataType, Any, str]] = [
    (pa.float32(), 0.1, "0.1"),
    (pa.float16(), 0.1, "0.1"),
    (pa.float64(), 1e22, "10000000000000000000000"),
    (pa.float64(), float("nan"), "nan"),
    (pa.float64(), 12.0, "12"),
    (pa.decimal128(9, 3), Decimal("1.5"), "1.500"),
    (pa.int64(), 2**62, "4611686018427387904"),
    (pa.bool_(), True, "true"),
    (pa.timestamp("ms", "Asia/Shanghai"), MOMENT, "2016-01-02T03:04:05Z"),
    (pa.timestamp("us"), MOMENT.replace(tzinfo=None), "2016-01-02T03:04:05"),
    (pa.timestamp("ns"), 1, "1970-01-01T00:00:00.000000001"),
    (pa.date32(), dt.date(1899, 12, 31), "1899-12-31"),
    (pa.duration("ns"), 90_000_000_000_001, "25:00:00.000000001"),
    (pa.duration("s"), -61, "-0:01:01"),
    (pa.binary(), b"oak", "oak"),
]


@pytest.mark.parametrize(("kind", "value", "text"), KINDS)
def test_a_value_is_the_same_text_alone_and_inside_of_others(
    kind: pa.DataType, value: Any, text: str
) -> None:
    alone = pa.array([value, None], kind)
    inside = {
        "alone": alone,
        "o": pa.StructArray.from_arrays([alone], ["x"]),
        "l": pa.ListArray.from_arrays([0, 1, 2], alone),
        "m": pa.MapArray.from_arrays([0, 1, 2], pa.array(["k", "k"]), alone),
        "deep": pa.ListArray.from_arrays([0, 0, 1], pa.StructArray.from_arrays([alone[:1]], ["x"])),
    }
    first, second = read(parquet(pa.table(inside)), "parquet", {"o.x": "string"})
    assert (first["alone"], first["o.x"]) == (text, text)
    assert (second["alone"], second["o.x"], second["l"], first["deep"]) == (
        None, None, "[null]", "[]",
    )  # fmt: skip
    bare = (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
            or pa.types.is_boolean(kind))  # fmt: skip
    shown = text if bare and text != "nan" else json.dumps(text)
    assert (first["l"], first["m"], second["deep"]) == (
        f"[{shown}]", f'[["k", {shown}]]', f'[{{"x": {shown}}}]',
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.string()),
        pa.list_(pa.string(), 2),
        pa.list_view(pa.string()),
    ],
)
def test_lists_of_every_kind(kind: pa.DataType) -> None:
    content = parquet({"l": pa.array([["a", None], None, ["b", "c"]], kind)})
    assert read(content, "parquet") == [{"l": '["a", null]'}, {"l": None}, {"l": '["b", "c"]'}]


@pytest.mark.parametrize("kind", [pa.binary_view(), pa.large_binary(), pa.binary(3)])
def test_bytes_of_every_kind(kind: pa.DataType) -> None:
    assert read(parquet({"b": pa.array([b"abc"], kind)}), "parquet") == [{"b": "abc"}]
    spoilt = parquet({"id": ["a"], "b": pa.array([b"ab\xff"], kind)})
    assert read(spoilt, "parquet") == [{"id": "a"}]
    with pytest.raises(Unreadable, match=r"\(column b, row 1\)"):
        read(spoilt, "parquet", {"b": "string"})


@pytest.mark.parametrize(
    ("kind", "count", "text"),
    [
        (pa.date32(), 2_932_897, "10000-01-01"),
        (pa.date32(), 40_000_000, "111486-04-13"),
        (pa.date32(), -1_000_000, "-0768-02-04"),
        (pa.timestamp("us"), 253_402_300_800_000_000, "10000-01-01T00:00:00"),
        (pa.timestamp("us", "UTC"), 2**62, "148108-07-06T14:00:27.387904Z"),
    ],
)
def test_days_beyond_pythons_are_text(kind: pa.DataType, count: int, text: str) -> None:
    wide = pa.array([count], pa.int64())
    column = wide.cast(pa.int32()).cast(kind) if kind == pa.date32() else wide.cast(kind)
    table = {"d": column, "l": pa.ListArray.from_arrays([0, 1], column)}
    assert read(parquet(table), "parquet") == [{"d": text, "l": f'["{text}"]'}]


class _Keys(pe.KmsClient):
    """Wraps a file's keys in nothing: the file is encrypted all the same."""

    def wrap_key(self, key_bytes: bytes, _master_key: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, _master_key: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_told_as_such(plaintext_footer: bool) -> None:
    factory = pe.CryptoFactory(lambda _config: _Keys())
    own = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["id"]}, plaintext_footer=plaintext_footer
    )
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), own)
    table, packed = pa.table({"id": ["a"]}), io.BytesIO()
    with pq.ParquetWriter(packed, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(Unreadable, match="encrypted"):
        read(packed.getvalue(), "parquet")
