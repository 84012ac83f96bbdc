"""``safety``: where incidents lie together, and who stands by there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from civiclake.cli.console import say
from civiclake.engine import analysts
from civiclake.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    no_args_is_help=True,
    help="Where incidents lie together, and who stands by there.\n\n"
    "Reads marts.hot_spots and marts.posts. Places are scored, never persons.",
)
_SPOTS, _POSTS = "marts.hot_spots", "marts.posts"
_OF_SPOTS = (
    "kind", "cell", "from_day", "to_day", "incidents", "z", "is_assessed", "is_hot",
)  # fmt: skip
_OF_POSTS = ("service", "post", "latitude", "longitude")
_NUMBERS = ("incidents", "z", "post", "latitude", "longitude")
_FLAGS = ("is_assessed", "is_hot")
User = Annotated[str, typer.Option(help="an analyst; password in $CIVICLAKE_SQL_PASSWORD")]


@app.callback()
def _group() -> None:
    """So that the one command keeps its name."""


@app.command("hot-spots")
def hot_spots(
    kind: Annotated[str, typer.Option(help="of incident; all is all reported ones")] = "all",
    picture: Annotated[Path | None, typer.Option(help="a map of it: out.svg")] = None,
    spots: Annotated[
        Path | None, typer.Option(help="a CSV file with the mart's columns, instead of the lake")
    ] = None,
    posts: Annotated[
        Path | None, typer.Option(help="the same with those of marts.posts, for the map")
    ] = None,
    boundaries: Annotated[
        Path | None, typer.Option(help="a CSV file with code and boundary (WKT), for the map")
    ] = None,
    user: User = analysts.DEFAULT,
) -> None:
    """Hot cells with their incidents, the hottest first, and a map with the patrols' posts.

    A cell is scored with its neighbours, so one without an incident can be hot. An example:

    civiclake safety hot-spots --kind burglary --picture burglary.svg
    """
    from civiclake.cli import education_input
    from civiclake.cli.pictures import canvas

    if picture is not None:
        canvas.check_path(picture)
    rows = _rows(_SPOTS, _OF_SPOTS, spots, user)
    mine = rows[rows["kind"] == kind].reset_index(drop=True)
    if mine.empty:
        known = ", ".join(sorted(rows["kind"].unique())) or "none"
        raise UserError(f"kind {kind!r}: no cell of it is in {spots or _SPOTS}; there are: {known}")
    title = f"Hot spots, {kind}: {mine['from_day'].min()} to {mine['to_day'].max()}"
    _show(mine, title)
    if picture is not None:
        from civiclake.cli.pictures import cells

        stand = _rows(_POSTS, _OF_POSTS, posts, user)
        patrols = stand[stand["service"] == "patrol"]
        areas = education_input.areas(boundaries, user)
        canvas.save(cells.hot_spots(mine, patrols, areas, title), picture, title)
        say(f"written: {picture}")


def _show(rows: pd.DataFrame, title: str) -> None:
    hot = rows[rows["is_hot"]].sort_values(["z", "cell"], ascending=[False, True])
    say(f"{title}: {len(hot)} of {int(rows['is_assessed'].sum())} assessed cells are hot")
    for row in hot.to_dict("records"):
        say(f"  {row['cell']}  {int(row['incidents']):>6} incidents  z {row['z']:.2f}")


def _rows(mart: str, columns: tuple[str, ...], file: Path | None, user: str) -> pd.DataFrame:
    import pandas as pd

    from civiclake.cli.rows import asked, read_csv

    if file is None:
        rows = asked(f"SELECT {', '.join(columns)} FROM {mart}", user)
    else:
        rows = read_csv(file, columns)
    for name in set(columns) & set(_NUMBERS):
        found = pd.to_numeric(rows[name], errors="coerce")
        bad = found.isna() & rows[name].notna()
        if bad.any():
            raise UserError(f"{file or mart}: {name}: {rows[name][bad].iloc[0]!r} is no number")
        rows[name] = found
    for name in set(columns) & set(_FLAGS):
        rows[name] = rows[name].astype(str).str.lower() == "true"
    return rows
