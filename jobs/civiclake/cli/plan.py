"""``plan``: where the next ones should stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civiclake.cli import city
from civiclake.cli.console import put, say, show_table
from civiclake.errors import UserError
from civiclake.local.files import write_whole
from civiclake.pipeline.plans.kinds import KINDS, By, Kind, Solve, check_kind, find_kind, read_kinds
from civiclake.pipeline.plans.reach import Reach
from civiclake.settings import Settings, load_settings

if TYPE_CHECKING:
    from civiclake.pipeline.plans.answer import Answer
    from civiclake.pipeline.plans.asked import Asked
    from civiclake.pipeline.plans.make import Made

_TIME_LIMIT_S = 60.0


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("plan")(plan)


def plan(
    kind: Annotated[str, typer.Argument(help="such as library; marts/planning/kinds.yaml has all")],
    new: Annotated[
        int | None, typer.Option(help="how many; a set covering takes as many as it needs")
    ] = None,
    within: Annotated[str | None, typer.Option(help="such as 1500m, 1.5km or 15min")] = None,
    solve: Annotated[Solve | None, typer.Option(help="what is best; default: the kind's")] = None,
    by: Annotated[By | None, typer.Option(help="what a minute is; default: the kind's")] = None,
    fix: Annotated[
        Path | None, typer.Option(help="CSV or GeoJSON of sites that stand, or are decided")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="CSV or GeoJSON of sites; default: crossings near people")
    ] = None,
    forbid: Annotated[
        Path | None, typer.Option(help="CSV of candidates' ids, or GeoJSON of areas")
    ] = None,
    capacity: Annotated[
        float | None, typer.Option(help="people that a new site can serve (p-median)")
    ] = None,
    time_limit: Annotated[
        float, typer.Option(help="seconds; then the best so far, and how far it may be off")
    ] = _TIME_LIMIT_S,
    picture: Annotated[Path | None, typer.Option(help="write a map: a name ending in .svg")] = None,
    geojson: Annotated[Path | None, typer.Option(help="write sites and cells")] = None,
    keep: Annotated[bool, typer.Option(help="keep the plan in marts.plans")] = True,
) -> None:
    """Say where the next ones should stand, who gains, and what cannot be had.

    Ways go over the city's roads. What stands is what the lake knows, and what --fix names. The
    answer is proven best, or says how far it may be from it.
    """
    settings = load_settings()
    _check_paths(picture, geojson)
    declared = find_kind(read_kinds(settings.marts_dir / KINDS), kind)
    asked = _asked(declared, new, within, solve, by, capacity, time_limit)
    asked = _with_files(asked, fix, candidates, forbid)
    made = _made(settings, declared, asked)
    _write(made, picture, geojson)
    if keep:
        from civiclake.pipeline.plans.make import keep as keep_plan

        keep_plan(settings, made, say)
        say(f"kept in marts.plans as {made.plan_id}")
    _show(made.answer)


def _asked(
    kind: Kind,
    new: int | None,
    within: str | None,
    solve: Solve | None,
    by: By | None,
    capacity: float | None,
    time_limit: float,
) -> Asked:
    from civiclake.pipeline.plans.asked import Asked

    return Asked(
        kind=kind,
        # Only one model knows capacities: whoever gives one asks for it.
        solve=solve or (Solve.P_MEDIAN if capacity is not None else kind.solve),
        within=kind.within if within is None else Reach.of(within),
        by=by or kind.by,
        new=new,
        capacity=capacity,
        time_limit_s=time_limit,
    )


def _with_files(
    asked: Asked, fix: Path | None, candidates: Path | None, forbid: Path | None
) -> Asked:
    from dataclasses import replace

    from civiclake.pipeline.plans.given import read_forbidden, read_sites

    more: dict[str, Any] = {}
    if fix is not None:
        more["fixed"] = read_sites(fix)
    if candidates is not None:
        more["candidates"] = read_sites(candidates)
    if forbid is not None:
        more["forbidden"] = read_forbidden(forbid)
    return replace(asked, **more)


def _made(settings: Settings, kind: Kind, asked: Asked) -> Made:
    from civiclake.pipeline.plans.make import make

    known = city.read(settings)
    check_kind(known.datasets, kind)
    return make(settings, known, asked)


def _check_paths(picture: Path | None, geojson: Path | None) -> None:
    """Before a minute is spent on solving."""
    if picture is not None:
        from civiclake.cli.pictures.canvas import check_path

        check_path(picture)
    if geojson is not None and not geojson.parent.is_dir():
        raise UserError(f"geojson {geojson}: the folder {geojson.parent} is not there")


def _write(made: Made, picture: Path | None, geojson: Path | None) -> None:
    if picture is not None:
        from civiclake.cli.pictures import canvas, plan_map
        from civiclake.pipeline.plans.told import headline

        drawn = plan_map.draw(made.town, made.answer)
        canvas.save(drawn, picture, headline(made.answer)[0])
        say(f"picture: {picture}")
    if geojson is not None:
        from civiclake.pipeline.plans.geojson import text_of

        write_whole(geojson, text_of(made.answer), mode=0o644)
        say(f"geojson: {geojson}")


def _show(made: Answer) -> None:
    """Headline, sites, districts, before and after, and what must be known."""
    from civiclake.pipeline.plans.told import compared, headline, site_rows, who_gains

    for line in headline(made):
        put(line)
    show_table(*compared(made))
    show_table(*site_rows(made), title="New sites")
    show_table(*who_gains(made), title="Who gains")
    for line in made.told:
        put(f"- {line}")
