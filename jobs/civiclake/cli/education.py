"""``education``: how districts' schools serve their children, and what would help most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from civiclake.cli.console import say
from civiclake.engine import analysts

app = typer.Typer(
    no_args_is_help=True,
    help="How districts' schools serve their children, and what would help most.\n\n"
    "Reads marts.education_supply, its latest school year.",
)
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="of school, such as primary; all if left out")
]
User = Annotated[str, typer.Option(help="an analyst; password in $CIVICLAKE_SQL_PASSWORD")]
Supply = Annotated[
    Path | None, typer.Option(help="a CSV file with the mart's columns, instead of the lake")
]
Result = Annotated[Path | None, typer.Option("--to", help="write all of it: out.csv or out.json")]


@app.command("districts")
def districts(
    measure: Annotated[
        str,
        typer.Option(help="seats_per_child, teachers_per_child or spending_per_child_yuan"),
    ] = "seats_per_child",
    kind: Kinds = None,
    picture: Annotated[Path | None, typer.Option(help="a map of it: out.svg")] = None,
    to: Result = None,
    supply: Supply = None,
    boundaries: Annotated[
        Path | None, typer.Option(help="a CSV file with code and boundary (WKT), for the map")
    ] = None,
    user: User = analysts.DEFAULT,
) -> None:
    """Districts by what they have for a child, the lowest first, and who is below the floor.

    Kinds of school are added up before they are divided by their children. The floor is the
    city's own, in the contract of the mart. An example:

    civiclake education districts --measure teachers_per_child --picture teachers.svg
    """
    from civiclake.applications.education.standing import columns, standing
    from civiclake.cli import education_input, education_output
    from civiclake.cli.pictures import canvas

    if picture is not None:
        canvas.check_path(picture)
    if to is not None:
        education_output.check_path(to)
    year, rows = education_input.supply(columns(measure), supply, user)
    found = standing(rows, measure, kind or ())
    title = f"{measure} in {year}: {', '.join(kind) if kind else 'all kinds of school'}"
    education_output.show_standing(found, measure, title)
    if to is not None:
        education_output.write_standing(to, year, found)
    if picture is not None:
        from civiclake.cli.pictures.districts import choropleth

        areas = education_input.areas(boundaries, user)
        canvas.save(choropleth(areas, found, title, measure), picture, title)
        say(f"written: {picture}")


@app.command("improve")
def improve(
    classes: Annotated[int, typer.Option(help="to be opened at most")] = 0,
    teachers: Annotated[int, typer.Option(help="full-time, to be moved at most")] = 0,
    within: Annotated[
        list[str] | None,
        typer.Option(help="a district's code or name; several: again; all if left out"),
    ] = None,
    kind: Kinds = None,
    class_size: Annotated[
        int | None, typer.Option(help="seats of a new class; default: as that kind's have now")
    ] = None,
    to: Result = None,
    supply: Supply = None,
    time_limit_s: Annotated[
        float, typer.Option(help="after which the best answer so far is taken")
    ] = 60,
    user: User = analysts.DEFAULT,
) -> None:
    """What opening classes or moving teachers would do: an integer program, before and after.

    It lowers the severity of the shortfall most: how far children's districts and kinds of school
    are below the city's floor, squared, so that the worst off come first. Of the answers that do
    as much it takes the one with the fewest classes or moves. Teachers move within their kind of
    school, and no district gives any that it needs for its own floor. The same question to the
    same figures has the same answer. An example:

    civiclake education improve --classes 12 --teachers 20 --within 530113 --within 530128
    """
    from civiclake.applications.education import improve as program
    from civiclake.cli import education_input, education_output

    if to is not None:
        education_output.check_path(to)
    asked = program.Asked(
        classes, teachers, tuple(within or ()), tuple(kind or ()), class_size, time_limit_s
    )
    year, rows = education_input.supply(program.COLUMNS, supply, user)
    changes = program.improve(rows, asked)
    for change in changes:
        education_output.show_change(change)
    if to is not None:
        education_output.write(to, year, asked, changes)
