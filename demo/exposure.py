"""Whether anything that may be seen holds a resident's identity number, telephone or name.

Looked at are the files themselves, those that no table holds any more too: the tables of
unified, marts and ops with Delta's log, whose statistics hold values, every log, and the
Data Docs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from civiclake.settings import Settings
from demo.city.residents import City

_NUMBERS = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)|(?<!\d)\d{11}(?!\d)")
"""What has the form of an identity or a telephone number."""


@dataclass(frozen=True)
class Scan:
    """What was looked at, and what was found."""

    files: int
    found: tuple[str, ...]
    """File and place of each identifier; never the identifier itself."""


def scan(settings: Settings, city: City) -> Scan:
    """Look for the residents' direct identifiers.

    Args:
        settings: of an installation that has run nights of the sample city.
        city: whose residents they are.
    """
    people = [city.resident(index) for index in range(city.residents)]
    numbers = {text for one in people for text in (one.citizen_id, one.phone)}
    names = {one.name for one in people}
    found: list[str] = []
    files = 0
    for path in _files(settings):
        files += 1
        where = path.relative_to(settings.state_dir)
        if path.suffix == ".parquet":
            texts = _texts(pq.read_table(path))
            found += [
                f"{where}: {column}" for column, text in texts if _tells(text, numbers, names)
            ]
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
            if _tells(text, numbers, set()):
                found.append(str(where))
    return Scan(files, tuple(dict.fromkeys(found)))


def _files(settings: Settings) -> Iterator[Path]:
    lake = Path(settings.lake)
    for layer in ("unified", "marts", "ops"):
        yield from (lake / layer).rglob("*.parquet")
        yield from (lake / layer).rglob("*.json")
        yield from (lake / layer).rglob("*.crc")
    yield from settings.run_dir.rglob("*.log")
    yield from (settings.state_dir / "airflow" / "logs").rglob("*.log")
    yield from settings.data_docs_dir.rglob("*.html")


def _texts(table: pa.Table) -> Iterator[tuple[str, str]]:
    """Column and value of every text, each once."""
    for field in table.schema:
        if pa.types.is_string(field.type):
            for value in pc.unique(table[field.name]).to_pylist():
                if value is not None:
                    yield field.name, value


def _tells(text: str, numbers: set[str], names: set[str]) -> bool:
    """Whether a text is a name, or holds a number; names are too short to be looked for inside."""
    return text in names or any(number in numbers for number in _NUMBERS.findall(text))
