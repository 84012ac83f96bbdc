"""``alerts``: what the marts' rows alarm of, who looks after it, and what it was."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from civiclake.cli.console import put, show_table
from civiclake.errors import UserError
from civiclake.settings import load_settings

if TYPE_CHECKING:
    from civiclake.io.ops.alerts import AlertRow

app = typer.Typer(
    no_args_is_help=True,
    help="Look after the alerts that marts raise.\n\n"
    "A mart whose contract names `alerts` raises one for each series whose newest period alarms,"
    " once, and tells its owner. It is open until somebody takes it (acknowledge), and closed by a"
    " person (close) or by the data: when the newest period alarms no longer, or a late batch has"
    " corrected the alarm away. What a person closed is raised again only by another run of alarms."
    "\n\nThe table is marts.alerts; an id may be cut short.",
    rich_markup_mode=None,
)
AlertId = Annotated[str, typer.Argument(help="as `civiclake alerts list` shows it")]
By = Annotated[str | None, typer.Option(help="who says so; default: you, by your login's name")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]
_STATES = ("open", "acknowledged", "closed")


@app.command("list")
def show_list(
    state: Annotated[
        str | None, typer.Option(help="open, acknowledged or closed; default: the first two")
    ] = None,
    mart: Annotated[str | None, typer.Option(help="such as marts.transit_lines")] = None,
    everything: Annotated[bool, typer.Option("--all", help="closed ones as well")] = False,
    as_json: Json = False,
) -> None:
    """List alerts: the open ones first, of each state the newest first."""
    from civiclake.pipeline.alerts import people

    if state is not None and state not in _STATES:
        raise UserError(f"--state {state!r}: allowed are {', '.join(_STATES)}")
    wanted = _STATES if everything else _STATES[:2] if state is None else (state,)
    found = [
        row
        for row in people.every(load_settings())
        if row.state in wanted and (mart is None or row.mart.endswith(f".{_bare(mart)}"))
    ]
    if as_json:
        put(json.dumps([row.model_dump(mode="json") for row in found], ensure_ascii=False))
        return
    _show(found)


@app.command("show")
def show(alert_id: AlertId, as_json: Json = False) -> None:
    """Show one alert: since when, how sure, by which method, and the query of its rows.

    The query returns exactly the rows that the alert counts; run it at the analysts' door
    (`civiclake sql`) for as long as the versions that it names are kept.
    """
    from civiclake.pipeline.alerts import people

    row = people.find(people.every(load_settings()), alert_id)
    if as_json:
        put(row.model_dump_json())
        return
    for name, value in row.model_dump(mode="json").items():
        if value not in (None, ""):
            put(f"{name.replace('_', ' '):<16} {value}")


@app.command("acknowledge")
def acknowledge(alert_id: AlertId, by: By = None, as_json: Json = False) -> None:
    """Take an alert: you look after it, and nobody else needs to."""
    from civiclake.pipeline.alerts import people

    _say(people.acknowledge(load_settings(), alert_id, by or getpass.getuser()), as_json=as_json)


@app.command("close")
def close(
    alert_id: AlertId,
    reason: Annotated[str, typer.Option(help="what you found or did")],
    confirmed: Annotated[bool, typer.Option(help="it was what the alert says")] = False,
    refuted: Annotated[bool, typer.Option(help="it was a false alarm")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Close an alert with a reason, and say whether it was true.

    What you say counts in the detector's record (marts.detector_record). An alert that the data has
    closed may be closed once more, to say what it was.
    """
    from civiclake.pipeline.alerts import people

    if confirmed and refuted:
        raise UserError("--confirmed and --refuted exclude each other; say one, or neither")
    verdict = "confirmed" if confirmed else "refuted" if refuted else None
    who = by or getpass.getuser()
    _say(people.close(load_settings(), alert_id, who, reason, verdict), as_json=as_json)


def _say(row: AlertRow, *, as_json: bool) -> None:
    if as_json:
        put(row.model_dump_json())
        return
    who = row.closed_by if row.is_closed else row.acknowledged_by
    why = f": {row.reason}" if row.reason else ""
    put(f"alert {row.alert_id} is {row.state} by {who}{why}")


def _show(rows: Sequence[AlertRow]) -> None:
    if not rows:
        put("no alert")
        return
    heads = ("alert", "state", "since", "last", "sure", "rows", "what", "mart", "owner")
    show_table(
        heads,
        [
            (
                row.alert_id, row.state, f"{row.since}", f"{row.last}", row.sure, row.rows,
                row.sentence, row.mart, f"{row.owner} ({row.contact})",
            )
            for row in rows
        ],
    )  # fmt: skip


def _bare(mart: str) -> str:
    return mart.removeprefix("marts.")
