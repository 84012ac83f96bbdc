"""``civiclake codes``: what the city's code lists hold, and what became of a code."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from civiclake.cli.console import put, show_table
from civiclake.contracts.read.codes import CodeList, CodeTable, Meaning
from civiclake.contracts.read.faults import Faults, choice, did_you_mean
from civiclake.contracts.read.library import Library, read_library
from civiclake.errors import ContractError, UserError
from civiclake.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Look at the city's code lists.")

ListName = Annotated[str, typer.Argument(help="such as gb2260_county")]


@app.command("list")
def list_lists() -> None:
    """List all code lists with source and revision."""
    shared = _read()
    rows = [
        (
            name,
            found.standard or found.title,
            found.revision or "",
            len(shared.tables[name].current),
            len(shared.tables[name].meanings) - len(shared.tables[name].current),
            found.source or "",
        )
        for name, found in sorted(shared.codes.items())
    ]
    show_table(("list", "standard", "revision", "codes", "withdrawn", "source"), rows)


@app.command("show")
def show(
    name: ListName,
    code: Annotated[str | None, typer.Argument(help="one code, withdrawn or not")] = None,
) -> None:
    """Show a list's codes of today, or what one code means and what it became."""
    shared = _read()
    if name not in shared.codes:
        hint = did_you_mean(name, shared.codes)
        allowed = choice(sorted(shared.codes))
        raise UserError(f"there is no code list {name!r}; allowed are {allowed}{hint}")
    said, table = shared.codes[name], shared.tables[name]
    if code is None:
        labels = [(c, _label(said, table.meanings[c][-1])) for c in sorted(table.current)]
        show_table(("code", "meaning"), labels, title=f"{said.title} ({said.revision or name})")
        return
    if code not in table.meanings:
        hint = did_you_mean(code, table.meanings)
        raise UserError(f"{code!r} is not, and never was, a code of {name}{hint}")
    for line in _story(said, table, code):
        put(line)


def _read() -> Library:
    settings = load_settings()
    faults = Faults()
    shared = read_library(settings.schemas_dir, faults)
    if faults.problems:
        raise ContractError(faults.problems)
    return shared


def _story(said: CodeList, table: CodeTable, code: str) -> list[str]:
    """One line for each meaning of the code and of those that followed it."""
    lines, waiting, seen = [], [code], {code}
    while waiting:
        name = waiting.pop(0)
        for meaning in table.meanings[name]:
            lines.append(_sentence(said, meaning))
            following = [c for c in meaning.became if c not in seen]
            seen.update(following)
            waiting += following
    today = table.today(code)
    if len(table.meanings[code]) > 1:
        lines.append("the code was given anew: as_of in the contract tells which meaning counts")
    if today is None and len(table.meanings[code]) > 1:
        lines.append("a record with it and without a day is set aside")
    elif today is None:
        lines.append("a record with it is set aside: no one code of today is known to follow it")
    elif today != code:
        lines.append(f"a record with it is carried to {today}")
    return lines


def _sentence(said: CodeList, meaning: Meaning) -> str:
    parts = [f"{meaning.code}  {_label(said, meaning)}".rstrip()]
    if meaning.since:
        parts.append(f"since {meaning.since}")
    if meaning.until:
        parts.append(f"until {meaning.until}")
    if meaning.became:
        parts.append(f"became {' and '.join(meaning.became)}")
    elif not meaning.is_current:
        parts.append("withdrawn")
    return ", ".join(parts)


def _label(said: CodeList, meaning: Meaning) -> str:
    """The label, from the library where the list may not hold it."""
    if said.labels is None or not meaning.is_current:
        return meaning.label
    return str(import_module(said.labels).get_description(meaning.code))
