"""Samples of sources that no contract describes yet, each by all of its rows or its first.

A new kind of source is one module here with ``take``, and its name in :data:`BY_SCHEME` or
:data:`BY_SUFFIX`. It is imported only when such a source is looked at: the drivers and the
libraries of the formats take time that no other command should wait for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast
from urllib.parse import urlsplit

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.read.faults import choice
from civiclake.errors import UserError
from civiclake.io.samples.asked import Asked

NOTHING_ASKED = Asked()

BY_SCHEME = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "http": "rest",
    "https": "rest",
}
"""Scheme of an address: the module whose ``take(source, department, asked)`` looks at it."""
BY_SUFFIX = {
    ".csv": "csv_file",
    ".tsv": "csv_file",
    ".txt": "csv_file",
    ".json": "json_file",
    ".jsonl": "rows_file",
    ".ndjson": "rows_file",
    ".xml": "xml_file",
    ".xlsx": "xlsx_file",
    ".parquet": "rows_file",
    ".geojson": "json_file",
    ".zip": "zip_file",
}
"""Ending of a file, ``.gz`` taken off: the module whose ``take(path, department, asked)`` it is."""


def take(source: str, department: str, asked: Asked = NOTHING_ASKED) -> Sample:
    """Look at a source.

    Args:
        source: an address such as ``postgresql://host:5432/database/schema.table``, or the path
            of a file.
        department: whose system it is; its variables and credentials are named after it.
        asked: how many rows to look at, and what is known of a file.

    Raises:
        UserError: this kind of source is not known, or the address is incomplete.
        SourceError: it can't be read.
    """
    if "://" in source:
        scheme = _scheme(source)
        if scheme not in BY_SCHEME:
            raise UserError(
                f"{scheme}:// is no kind of source that can be looked at; allowed are"
                f" {choice(f'{s}://' for s in BY_SCHEME)}, or the path of a file"
            )
        return cast(Sample, _module(BY_SCHEME[scheme]).take(source, department, asked))
    path = Path(source)
    if not path.is_file():
        raise UserError(f"{source} is no file; an address begins with {choice(BY_SCHEME)}")
    return _file(path, department, asked)


def _file(path: Path, department: str, asked: Asked) -> Sample:
    suffixes = [s.lower() for s in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else path.suffix.lower()
    if kind not in BY_SUFFIX:
        raise UserError(f"{path.name} ends in {kind or 'nothing'}; allowed are {choice(BY_SUFFIX)}")
    module = _module(BY_SUFFIX[kind])
    if kind == ".zip":
        return cast(Sample, module.take(path, department, asked, _file))
    return cast(Sample, module.take(path, department, asked))


def _scheme(source: str) -> str:
    try:
        parts = urlsplit(source)
        _ = parts.port  # read only here: a wrong one is told by asking for it
    except ValueError:
        # Not repeated: what is wrong with it may be a password with a stray sign.
        raise UserError(
            "the address can't be read; allowed is scheme://host:port/path with a port from 0"
            " to 65535"
        ) from None
    return parts.scheme


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
