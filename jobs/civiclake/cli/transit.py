"""``transit``: how a line really ran on a day, as a picture."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civiclake.cli.console import say
from civiclake.cli.rows import asked, read_csv
from civiclake.cli.rows import day as named_day
from civiclake.engine import analysts
from civiclake.errors import UserError
from civiclake.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True, help="How public transport really ran.")
COLUMNS = (
    "direction_id", "trip_id", "run", "stop_sequence", "stop_id", "along_m", "scheduled_at",
    "observed_at",
)  # fmt: skip
_NUMBERS = ("direction_id", "run", "stop_sequence", "along_m")


@app.callback()
def main() -> None:
    """How public transport really ran."""


@app.command("day")
def day(
    line: Annotated[str, typer.Argument(help="route_id of the timetable, such as K3")],
    on: Annotated[str, typer.Option("--on", help="service day, YYYY-MM-DD")],
    picture: Annotated[Path, typer.Option(help="where it is drawn: out.svg")],
    late_minutes: Annotated[float, typer.Option(help="later than this is drawn as late")] = 5,
    passages: Annotated[
        Path | None, typer.Option(help="a CSV file of marts.transit_passages, not the lake")
    ] = None,
    user: Annotated[str, typer.Option(help="password in $CIVICLAKE_SQL_PASSWORD")] = (
        analysts.DEFAULT
    ),
) -> None:
    """Draw a line's day: time to the right, its stops upward; the timetable and what was driven.

    An example: civiclake transit day K3 --on 2015-12-28 --picture k3.svg
    """
    from civiclake.cli.pictures import canvas
    from civiclake.cli.pictures.time_distance import diagram

    canvas.check_path(picture)
    wanted = named_day(on)
    rows = _of_lake(line, wanted, user) if passages is None else _of_file(passages, line, wanted)
    title = f"Line {line}, {wanted:%A} {wanted}"
    canvas.save(diagram(_in_hours(rows, wanted), title, late_minutes * 60), picture, title)
    trips = rows.groupby(["trip_id", "run"])["observed_at"].apply(lambda at: at.notna().any())
    say(f"{len(trips)} trips, {int((~trips).sum())} of them never seen")
    say(f"written: {picture}")


def _of_lake(line: str, wanted: date, user: str) -> pd.DataFrame:
    named = line.replace("\\", "\\\\").replace("'", "\\'")
    query = (
        f"SELECT {', '.join(COLUMNS)} FROM marts.transit_passages"
        f" WHERE day = DATE'{wanted}' AND line_id = '{named}'"
    )
    return _typed(asked(query, user))


def _of_file(file: Path, line: str, wanted: date) -> pd.DataFrame:
    found = read_csv(file, (*COLUMNS, "day", "line_id"))
    mine = found[(found["line_id"] == line) & (found["day"] == wanted.isoformat())]
    return _typed(mine[list(COLUMNS)].copy())


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    try:
        for name in _NUMBERS:
            rows[name] = pd.to_numeric(rows[name])
        for name in ("scheduled_at", "observed_at"):
            rows[name] = pd.to_datetime(rows[name], utc=True, format="ISO8601")
    except (TypeError, ValueError) as error:
        raise UserError(f"marts.transit_passages: {error}") from None
    return rows


def _in_hours(rows: pd.DataFrame, wanted: date) -> pd.DataFrame:
    """With hours of the service day, which begins at noon minus twelve hours of its own zone."""
    import pandas as pd

    from civiclake.cli.exports import timezone

    noon = pd.Timestamp(
        datetime(wanted.year, wanted.month, wanted.day, 12), tz=timezone(load_settings())
    )
    zero = noon - pd.Timedelta(hours=12)
    hours: dict[str, Any] = {
        name: (rows[f"{name}_at"] - zero).dt.total_seconds() / 3600
        for name in ("scheduled", "observed")
    }
    return rows.assign(scheduled_h=hours["scheduled"], observed_h=hours["observed"])
