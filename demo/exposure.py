"""Whether anything that may be seen holds a resident's identity number, telephone or name.

Looked at are the files themselves, those that no table holds any more too: the tables of
unified, marts and ops with Delta's log, whose statistics hold values, every log, what a
cluster's executors left, and the Data Docs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from civiclake.io.lake import objects
from civiclake.settings import Settings
from demo.city.residents import City

_NUMBERS = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)|(?<!\d)\d{11}(?!\d)")
"""What has the form of an identity or a telephone number."""
_LOOKED_AT = (".parquet", ".json", ".crc")


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
    with tempfile.TemporaryDirectory(prefix="civiclake-scan-") as copies:
        for path, where in _files(settings, Path(copies)):
            files += 1
            if path.suffix == ".parquet":
                texts = _texts(pq.read_table(path))
                found += [
                    f"{where}: {column}" for column, text in texts if _tells(text, numbers, names)
                ]
            else:
                text = path.read_text(encoding="utf-8", errors="replace")
                if _tells(text, numbers, set()):
                    found.append(where)
    return Scan(files, tuple(dict.fromkeys(found)))


def _files(settings: Settings, copies: Path) -> Iterator[tuple[Path, str]]:
    """Each file, and its place as a person is told it."""
    for layer in ("unified", "marts", "ops"):
        yield from _layer(settings, layer, copies)
    folders = (
        (settings.run_dir, "*.log"),
        (settings.state_dir / "airflow" / "logs", "*.log"),
        (settings.data_docs_dir, "*.html"),
        *((folder, "*") for folder in settings.state_dir.glob("spark/worker-*")),
    )
    for folder, pattern in folders:
        for path in folder.rglob(pattern):
            if path.is_file():
                yield path, str(path.relative_to(settings.state_dir))


def _layer(settings: Settings, layer: str, copies: Path) -> Iterator[tuple[Path, str]]:
    """Files of a layer of the lake; what stands in S3 is fetched one by one."""
    if settings.lake_uri is None:
        root = Path(settings.lake)
        for path in (root / layer).rglob("*"):
            if path.suffix in _LOOKED_AT:
                yield path, str(path.relative_to(settings.state_dir))
        return
    for name in objects.names(settings, f"{settings.lake}/{layer}"):
        copy = copies / f"one{Path(name).suffix}"
        if copy.suffix in _LOOKED_AT:
            objects.fetch(settings, f"{settings.lake}/{layer}/{name}", copy)
            yield copy, f"{settings.lake}/{layer}/{name}"


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
