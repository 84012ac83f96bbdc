"""``export``: the lake's rows as the packages that a field exchanges."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from civiclake.cli import city
from civiclake.cli.console import say
from civiclake.cli.rows import ask, day
from civiclake.engine import analysts
from civiclake.errors import UserError
from civiclake.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Write packages that other programs read.")
PASSAGES = "transit_passages"


@app.callback()
def main() -> None:
    """Write packages that other programs read."""


@app.command("tides")
def tides(
    folder: Annotated[Path, typer.Argument(help="is made; must not be there")],
    first: Annotated[str | None, typer.Option("--from", help="first service day")] = None,
    last: Annotated[str | None, typer.Option("--to", help="last service day")] = None,
    agency: Annotated[str, typer.Option(help="whose transit it is")] = "Transport authority",
    licence: Annotated[str, typer.Option("--license", help="of the package")] = "CC-BY-4.0",
    user: Annotated[str, typer.Option(help="password in $CIVICLAKE_SQL_PASSWORD")] = (
        analysts.DEFAULT
    ),
) -> None:
    """Write transit as a TIDES 1.0 package (Frictionless): positions, trips and stops as they ran.

    An example: civiclake export tides out/ --from 2015-12-28 --to 2015-12-31
    """
    from civiclake.applications.transit import tides as spec

    if folder.exists():
        raise UserError(f"{folder} is there already; a new folder is allowed")
    days = [None if text is None else day(text).isoformat() for text in (first, last)]
    if None not in days and str(days[0]) > str(days[1]):
        raise UserError(f"--from {first} is after --to {last}; a period that begins before it ends")
    settings = load_settings()
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "schemas").mkdir(parents=True)
    try:
        for table in spec.TABLES:
            asked = spec.query(table, days[0], days[1], timezone(settings))
            rows = write_table(part / f"{table.name}.csv", table.names, *ask(settings, asked, user))
            write_json(part / "schemas" / f"{table.name}.schema.json", table.schema())
            say(f"{table.name}: {rows:,} rows")
        said = f"{first or 'the first day'} to {last or 'the last day'}"
        write_json(part / "datapackage.json", spec.package(agency, licence, said))
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    say(f"written: {folder}")


def timezone(settings: Settings) -> str:
    """The agency's, as the contract of the passages says it.

    Raises:
        UserError: there is no such contract, or it names none.
    """
    own = {mart.name: mart.parameters for mart in city.read(settings).marts}
    zone = own.get(PASSAGES, {}).get("timezone")
    if not isinstance(zone, str):
        raise UserError(
            f"{settings.marts_dir}: the contract of marts.{PASSAGES} has no `timezone` among its"
            " parameters; such as Asia/Shanghai"
        )
    return zone


def write_table(
    path: Path, names: Sequence[str], given: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Write rows as CSV with all fields of a table; those that the rows lack are empty.

    Args:
        path: of the file.
        names: all fields, in order.
        given: those of the rows.
        rows: in the order of ``given``.

    Returns:
        How many rows there were.
    """
    at = [given.index(name) if name in given else None for name in names]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            writer.writerow(["" if i is None or row[i] is None else row[i] for i in at])
            count += 1
    return count


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a descriptor, readable."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
