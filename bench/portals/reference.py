"""The same file read by pandas, typed by DuckDB, and held against the served table row by row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from civiclake.contracts.model import Column, Dataset
from civiclake.contracts.notation import BLANKS

_LETTERS = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H",
    "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "ss": "%S", "a": "%p", "MMM": "%b",
}  # fmt: skip
"""Letters of the JDK's patterns, and DuckDB's for the same."""


@dataclass(frozen=True)
class Compared:
    """The file beside the table."""

    rows: int
    """Records of the file, by pandas."""
    served: int
    missing: int
    """Rows of the file that the table lacks, each as often as it stands there."""
    extra: int
    """Rows of the table that the file lacks."""
    columns: int
    """How many columns were compared: those that are not protected."""


def compare(path: Path, dataset: Dataset, served: pa.Table) -> Compared:
    """Compare as multisets of typed rows.

    Args:
        path: the file as it was delivered.
        dataset: the compiled contract.
        served: the rows of the unified table.
    """
    columns = [c for c in dataset.unified_columns if c.protection is None and c.codes is None]
    with duckdb.connect() as base:
        base.execute("SET timezone = 'UTC'")
        base.register("texts", _texts(path, dataset))
        base.register("lake", served)
        typed = ", ".join(_typed(column) for column in columns)
        plain = ", ".join(f"{_plain(c)} AS {_name(c.name)}" for c in columns)
        base.execute(f"CREATE TABLE file AS SELECT {typed} FROM texts")
        base.execute(f"CREATE TABLE served AS SELECT {plain} FROM lake")
        return Compared(
            rows=_count(base, "FROM file"),
            served=_count(base, "FROM served"),
            missing=_count(base, "FROM (FROM file EXCEPT ALL FROM served)"),
            extra=_count(base, "FROM (FROM served EXCEPT ALL FROM file)"),
            columns=len(columns),
        )


def _count(base: duckdb.DuckDBPyConnection, of: str) -> int:
    found = base.execute(f"SELECT count(*) {of}").fetchone()
    return int(found[0]) if found else 0


def _texts(path: Path, dataset: Dataset) -> pd.DataFrame:
    """Every value as text, blanks around it and absent words gone, by the source's names."""
    source = dataset.source
    frame = pd.read_csv(
        path, sep=source.delimiter, encoding=source.encoding, dtype=str, keep_default_na=False,
        na_values=[], header=(source.header_row or 1) - 1, skip_blank_lines=True,
        encoding_errors="strict", quotechar='"', doublequote=True,
    )  # fmt: skip
    given = [re.sub(r"^Unnamed: (\d+)$", _numbered, str(name)).strip() for name in frame.columns]
    frame.columns = pd.Index([name.removeprefix("\ufeff") for name in given])
    for column in dataset.columns:
        values = frame[column.source_name].fillna("").map(lambda text: text.strip(BLANKS))
        words = {"", *column.absent}
        frame[column.source_name] = values.mask(values.isin(words), column.absent_as)
    return frame


def _numbered(found: re.Match[str]) -> str:
    return f"column_{int(found[1]) + 1}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(column: Column) -> str:
    """SQL that types the text of one column, as the contract says."""
    return f"{_value(column, _name(column.source_name))} AS {_name(column.name)}"


def _value(column: Column, text: str) -> str:
    kind = column.spark_type
    if kind == "string":
        return text
    if kind in ("date", "timestamp"):
        if column.format is None:
            return f"TRY_CAST({text} AS {kind})"
        return f"CAST(TRY_STRPTIME({text}, '{_pattern(column.format)}') AS {kind})"
    if kind == "boolean":
        return f"TRY_CAST({text} AS boolean)"
    plain = _plain_number(column, text)
    if kind.startswith("decimal"):
        return f"TRY_CAST({plain} AS {kind})"
    whole = "bigint" if kind in ("int", "bigint", "smallint") else "double"
    return f"CAST(TRY_CAST({plain} AS double) AS {whole})"


def _plain_number(column: Column, text: str) -> str:
    said = column.number
    if said is None:
        return text
    is_share = f"contains({text}, '%')"
    for sign in (*said.strip, *said.groups, "%"):
        text = f"replace({text}, '{sign}', '')"
    text = f"trim(replace({text}, '{said.decimal}', '.'))"
    if said.percent != "divide":
        return text
    return f"CASE WHEN {is_share} THEN CAST({text} AS double) / 100 ELSE CAST({text} AS double) END"


def _pattern(java: str) -> str:
    return re.sub(r"([A-Za-z])\1*", lambda found: _LETTERS[found[0]], java)


def _plain(column: Column) -> str:
    """The served value in the type that the reference has."""
    kind, name = column.spark_type, _name(column.name)
    if kind in ("int", "bigint", "smallint"):
        return f"CAST({name} AS bigint)"
    if kind in ("float", "double"):
        return f"CAST({name} AS double)"
    return f"CAST({name} AS timestamp)" if kind == "timestamp" else name
