"""JSON lines: one object a line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from civiclake.contracts.model import Dataset
from civiclake.io.formats.json_values import DECODER, as_record
from civiclake.io.formats.table import Table, from_records
from civiclake.io.reading.inspect import Unreadable, text_lines, undecodable


def read(binary: io.BufferedIOBase, dataset: Dataset) -> Table:
    """One row for each line that is not blank."""
    return from_records(_records(binary, dataset.source.encoding), dataset)


def _records(binary: io.BufferedIOBase, encoding: str) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        for number, line in enumerate(text_lines(binary, encoding), start=1):
            text = line.strip()
            if text:
                yield as_record(_value(text, number), f"line {number}")
    except UnicodeError as error:
        raise Unreadable(undecodable(error, number)) from None


def _value(text: str, number: int) -> Any:
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"line {number} is no JSON: {error.msg} at character {error.pos + 1}"
        ) from None
    except Unreadable as error:
        raise Unreadable(f"line {number}: {error}") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise Unreadable(f"line {number} can't be read ({error})") from None
