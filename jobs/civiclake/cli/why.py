"""``why``: where a mart's figures come from."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from civiclake.cli import city
from civiclake.cli.console import put, show_table
from civiclake.settings import load_settings

if TYPE_CHECKING:
    from civiclake.pipeline.marts.figures import Figure
    from civiclake.pipeline.marts.why import Pedigree

_UNEQUAL = 1


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("why")(why)


def why(
    name: Annotated[str, typer.Argument(help="a mart, such as visits_by_weather")],
    where: Annotated[str | None, typer.Option(help="finds one row: \"day = '2016-01-02'\"")] = None,
    column: Annotated[
        str | None, typer.Option(help="one figure; default: all that can be followed")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="as published then: a version (12), a day or a time; default: now"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one object, for programs")] = False,
) -> None:
    """Follow a figure back to the rows, batches and method that it comes from.

    Without --where it tells of the mart as a whole: its method with parameters, and its inputs with
    their versions, ages, and the rows of them that are set aside. With --where that finds one row
    it also prints, for each figure, a query that returns the rows behind it, and computes the
    figure from them; it exits with 1 when the two differ. With --as-of it tells the same of
    what was published then, and what the row says now.
    """
    from civiclake.engine.session import connect
    from civiclake.pipeline.marts.why import why as follow

    settings = load_settings()
    contracts = city.with_mart(settings, name.removeprefix("marts."))
    spark = connect(settings)
    try:
        found = follow(spark, settings, contracts, name, where, column, as_of)
    finally:
        spark.stop()
    if as_json:
        put(json.dumps(asdict(found), default=str, ensure_ascii=False))
    else:
        _show(found)
    if any(not figure.is_equal for figure in found.figures):
        raise typer.Exit(_UNEQUAL)


def _show(found: Pedigree) -> None:
    mart, version = found.mart, found.version
    put(
        f"marts.{mart.name} version {version.number}, published"
        f" {version.published_at:%Y-%m-%d %H:%M:%S} UTC ({_age(version.published_at)} ago)"
        f" by batch {version.batch_id}"
    )
    if found.newest:
        newest = found.newest
        put(
            f"it is version {newest.number} now, published"
            f" {newest.published_at:%Y-%m-%d %H:%M:%S} UTC by batch {newest.batch_id}"
        )
    given = ", ".join(f"{name} = {value}" for name, value in mart.parameters.items())
    put(f"method: {mart.step} (digest {version.step}){f' with {given}' if given else ''}\n")
    show_table(found.columns, found.rows, title="Rows")
    if found.rows_in_all > len(found.rows):
        put(f"{len(found.rows)} of {found.rows_in_all} rows; --where finds one\n")
    _show_inputs(found)
    for figure in found.figures:
        _show_figure(figure)
    if found.changes:
        rows = [(one.column, one.then, one.now) for one in found.changes]
        show_table(("column", "then", "now"), rows, title="What has changed since")
    elif found.newest and found.figures:
        put("the row says the same now")


def _show_inputs(found: Pedigree) -> None:
    rows = [
        (
            one.id,
            one.version,
            "not kept" if one.at is None else f"{one.at:%Y-%m-%d %H:%M:%S} ({_age(one.at)})",
            one.newest_version,
            one.batches_since,
            ", ".join(f"{reason} {count}" for reason, count in one.set_aside.items()),
        )
        for one in found.inputs
    ]
    titles = ("input", "version", "made (UTC, age)", "newest", "commits since", "set aside now")
    show_table(titles, rows, title="Inputs as they were read")


def _show_figure(figure: Figure) -> None:
    put(f"\n{figure.column} = {figure.value}")
    put(f"  rows:  {figure.query}")
    if figure.gap:
        put(f"  gap:   {figure.gap}")
        return
    said = "equal" if figure.is_equal else f"NOT EQUAL: the rows give {figure.computed}"
    put(f"  gives: {figure.gives} over {figure.rows:,} rows: {said}")
    if figure.batches:
        put("  from:  " + ", ".join(f"{name} ({n:,})" for name, n in figure.batches.items()))


def _age(at: datetime) -> str:
    seconds = (datetime.now(UTC) - at).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
