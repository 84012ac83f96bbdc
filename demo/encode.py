"""Rows to bytes, in the formats that departments deliver."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from demo.city.table import Row
from demo.gtfs_rt import vehicle_positions

_GROUP_ROWS = 50_000
_PARQUET_TYPES = {int: pa.int64(), Decimal: pa.decimal128(18, 2), date: pa.date32()}


@dataclass(frozen=True)
class Format:
    """How a department writes its files."""

    ending: str = "csv"
    """Of the file's name: the format, and ``.gz`` when it is packed; or ``zip``."""
    delimiter: str = ","
    encoding: str = "utf-8"
    member: str = ""
    """Name inside a zip, which holds CSV."""
    records: str = ""
    """Where the list of records stands in JSON, or the element of a record in XML."""
    sheet: str = ""


def encode(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: BinaryIO) -> None:
    """Write a file, row by row; a workbook and a snapshot are made in memory."""
    if form.ending == "zip":
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            # Without a time inside, the same rows are the same bytes.
            member = zipfile.ZipInfo(form.member, (2016, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as inner:
                _csv(form, columns, rows, inner)
        return
    kind, _, packing = form.ending.partition(".")
    if packing:
        with gzip.GzipFile(fileobj=sink, mode="wb", mtime=0, filename="") as inner:
            _ENCODERS[kind](form, columns, rows, inner)
    else:
        _ENCODERS[kind](form, columns, rows, sink)


def _csv(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    text = io.TextIOWrapper(sink, encoding=form.encoding, newline="")
    writer = csv.writer(text, delimiter=form.delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    text.detach()


def records(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Rows as JSON objects; a column such as ``venue.id`` stands inside ``venue``."""
    for row in rows:
        found: dict[str, Any] = {}
        for name, value in zip(columns, row, strict=True):
            *outer, inner = name.split(".")
            holder = found
            for step in outer:
                holder = holder.setdefault(step, {})
            holder[inner] = value
        yield found


def to_json(value: Any) -> str:
    """JSON text; dates as ISO 8601, amounts as numbers."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value.isoformat()


def _jsonl(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    for record in records(columns, rows):
        sink.write(f"{to_json(record)}\n".encode(form.encoding))


def _json(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    way = form.records.split(".")
    sink.write(("{" + ": {".join(f'"{step}"' for step in way) + ": [").encode())
    for number, record in enumerate(records(columns, rows)):
        sink.write(f"{',' if number else ''}\n{to_json(record)}".encode(form.encoding))
    sink.write(("\n]" + "}" * len(way) + "\n").encode())


def _xml(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    def write(text: str) -> None:
        sink.write(text.encode(form.encoding))

    write(f'<?xml version="1.0" encoding="{form.encoding}"?>\n<records>\n')
    for row in rows:
        given = ((n, v) for n, v in zip(columns, row, strict=True) if v is not None)
        values = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in given)
        write(f"<{form.records}>{values}</{form.records}>\n")
    write("</records>\n")


def _xlsx(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(form.sheet)
    sheet.append(columns)
    for row in rows:
        sheet.append(row)
    about = book.create_sheet("about")  # people leave such sheets
    about.append(["Prepared by hand; the figures stand on the first sheet."])
    book.save(sink)


def _parquet(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    left = iter(rows)
    first = next(left)
    kinds = [_PARQUET_TYPES.get(type(value), pa.string()) for value in first]
    schema = pa.schema(list(zip(columns, kinds, strict=True)))
    left = chain((first,), left)
    with pq.ParquetWriter(sink, schema) as writer:
        while group := list(islice(left, _GROUP_ROWS)):
            arrays = zip(*group, strict=True)
            made = [pa.array(a, kind) for a, kind in zip(arrays, kinds, strict=True)]
            writer.write_table(pa.Table.from_arrays(made, schema=schema))


def _pb(form: Format, columns: Sequence[str], rows: Iterable[Row], sink: Any) -> None:
    sink.write(vehicle_positions(columns, rows))


_ENCODERS: dict[str, Callable[[Format, Sequence[str], Iterable[Row], Any], None]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
    "xml": _xml,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "pb": _pb,
}
