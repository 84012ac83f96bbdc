"""Samples of sources that no contract describes yet, each by a few rows.

A new kind of source is one function in :data:`BY_SCHEME` or :data:`BY_SUFFIX`.
"""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from civiclake.contracts.faults import choice
from civiclake.contracts.sample import Sample
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.inspect import READ_FAULTS, Unreadable, text_lines, why

ROWS = 1000
"""So many rows are looked at."""
_DELIMITERS = ",;\t|"
_ENCODINGS = ("utf-8", "gb18030")
_SNIFFED_CHARACTERS = 64_000


def take(source: str, department: str, rows: int = ROWS) -> Sample:
    """Look at a source.

    Args:
        source: an address such as ``postgresql://host:5432/database/schema.table``, or the path
            of a file.
        department: whose system it is; its variables and credentials are named after it.
        rows: how many rows to look at.

    Raises:
        UserError: this kind of source is not known, or the address is incomplete.
        SourceError: it can't be read.
    """
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme:
        if scheme not in BY_SCHEME:
            raise UserError(
                f"{scheme}:// is no kind of source that can be looked at; allowed are"
                f" {choice(f'{s}://' for s in BY_SCHEME)}, or the path of a file"
            )
        return BY_SCHEME[scheme](source, department, rows)
    path = Path(source)
    if not path.is_file():
        raise UserError(f"{source} is no file; an address begins with {choice(BY_SCHEME)}")
    suffixes = [s.lower() for s in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else path.suffix.lower()
    if kind not in BY_SUFFIX:
        raise UserError(f"{path.name} ends in {kind or 'nothing'}; allowed are {choice(BY_SUFFIX)}")
    return BY_SUFFIX[kind](path, department, rows)


def _csv(path: Path, department: str, rows: int) -> Sample:
    """A CSV file: its encoding and delimiter are found by trying."""
    for encoding in _ENCODINGS:
        try:
            head = "".join(itertools.islice(_lines(path, encoding), rows + 1))
            break
        except UnicodeError:
            continue
        except READ_FAULTS as error:
            raise SourceError(f"{path.name} can't be read: {why(error)}") from None
    else:
        raise SourceError(f"{path.name} is neither of {choice(_ENCODINGS)}")
    delimiter = _delimiter(head)
    try:
        records = list(csv.reader(head.splitlines(keepends=True), delimiter=delimiter))
    except csv.Error as error:
        raise SourceError(f"{path.name} can't be read: {why(Unreadable(str(error)))}") from None
    if not records or not records[0]:
        raise SourceError(f"{path.name} is empty: its first line must name the columns")
    header = tuple(name.strip() for name in records[0])
    whole = [tuple(r) for r in records[1:] if len(r) == len(header)]
    ending = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    loading = {"load": "files"} | ({} if delimiter == "," else {"delimiter": delimiter})
    return Sample(
        header=header,
        rows=tuple(whole),
        server={
            "server": "source",
            "type": "local",
            "path": f"${{CIVICLAKE_DROPS}}/{department}/*{ending}",
            "format": "csv",
            "encoding": encoding,
        },
        loading=loading,
        origin=path.name,
        physical_type="file",
    )


def _lines(path: Path, encoding: str) -> Iterator[str]:
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
    with opened as binary:
        yield from text_lines(binary, encoding)


def _delimiter(head: str) -> str:
    """What splits the header into most columns, if the lines after it agree."""
    lines = head[:_SNIFFED_CHARACTERS].splitlines()[:50]

    def columns(delimiter: str) -> int:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        agreed = sum(width == widths[0] for width in widths) if widths else 0
        return widths[0] if widths and agreed >= 0.8 * len(widths) else 0

    return max(_DELIMITERS, key=columns)


def _postgresql(source: str, department: str, rows: int) -> Sample:
    """A table of a PostgreSQL server; who asks stands in PGUSER and PGPASSWORD."""
    address = urlsplit(source)
    way = [part for part in address.path.split("/") if part]
    if len(way) != 2 or not address.hostname:
        raise UserError(
            f"{address.scheme}://{address.hostname or ''}{address.path} names no table; allowed is"
            " postgresql://host:port/database/schema.table"
        )
    if address.password:
        raise UserError(
            "a password in an address ends in the shell's history: put it into PGPASSWORD"
        )
    database, table = way[0], way[1] if "." in way[1] else f"public.{way[1]}"
    schema, _, name = table.partition(".")
    try:
        with psycopg.connect(
            host=address.hostname,
            port=address.port or 5432,
            dbname=database,
            user=address.username,
            connect_timeout=4,
            options="-c timezone=UTC -c datestyle=ISO -c default_transaction_read_only=on",
        ) as connection:
            kinds = _kinds(connection, schema, name)
            key = _declared_key(connection, schema, name)
            chosen = sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(column)) for column in kinds
            )
            query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
                chosen, sql.Identifier(schema, name), sql.Literal(rows)
            )
            found = connection.execute(query).fetchall()
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        raise SourceUnavailable(f"{address.hostname} does not let us look: {said}") from None
    except psycopg.Error as error:
        raise SourceError(f"{table} can't be read: {str(error).splitlines()[0]}") from None
    variable = f"{department.upper()}_DB"
    return Sample(
        header=tuple(kinds),
        rows=tuple(found),
        server={
            "server": "source",
            "type": "postgresql",
            "host": f"${{{variable}_HOST}}",
            "port": f"${{{variable}_PORT}}",
            "database": database,
            "schema": schema,
        },
        loading={"load": "snapshot", "connection": f"{department}_db"},
        origin=f"table {table} of database {database}",
        physical_name=table,
        declared_key=key,
        declared_types=kinds,
    )


def _kinds(
    connection: psycopg.Connection[tuple[str, ...]], schema: str, name: str
) -> dict[str, str]:
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        [schema, name],
    ).fetchall()
    if not rows:
        raise UserError(f"the database {connection.info.dbname} has no table {schema}.{name}")
    return {row[0]: row[1] for row in rows}


def _declared_key(
    connection: psycopg.Connection[tuple[str, ...]], schema: str, name: str
) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT a.attname FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number"
        " WHERE n.nspname = %s AND c.relname = %s AND i.indisprimary ORDER BY k.place",
        [schema, name],
    ).fetchall()
    return tuple(row[0] for row in rows)


BY_SCHEME: dict[str, Callable[[str, str, int], Sample]] = {
    "postgresql": _postgresql,
    "postgres": _postgresql,
}
BY_SUFFIX: dict[str, Callable[[Path, str, int], Sample]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,
}
