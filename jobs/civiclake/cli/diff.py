"""``diff``: whether a change of contracts may be published as it stands."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from civiclake.cli.console import put, say, show_table
from civiclake.cli.revisions import UnknownRevision, read_side
from civiclake.contracts.diff.compare import compare
from civiclake.contracts.diff.model import ContractDiff, Level
from civiclake.errors import ContractError
from civiclake.settings import load_settings

_SIDE = "a folder of contracts, a contract's file, or a git revision such as main or HEAD~1"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("diff")(diff)


def diff(
    old: Annotated[str, typer.Argument(help=f"{_SIDE}")] = "HEAD",
    new: Annotated[
        str | None, typer.Argument(help="the same; default: what stands in the working tree")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON document, for machines")
    ] = False,
    strict: Annotated[
        bool, typer.Option(help="compatible changes without a new version fail too")
    ] = False,
    if_known: Annotated[
        bool,
        typer.Option(
            help="end well, and say so, when this clone does not hold the revision"
            " (a shallow clone, a first commit)"
        ),
    ] = False,
) -> None:
    """Say whether changed contracts are compatible, or break somebody's work.

    Compatible: an optional column added, a type widened, a rule loosened, texts. Breaking: a
    column dropped, renamed, narrowed or newly required, a rule tightened, another key, sequence
    or history, a code lost, a protection weakened, a dataset removed. A breaking change wants a
    new major version of its contract, a compatible one a new minor version, a text a new patch.
    Exit code 2 and a list of all, when a breaking change has no new major version.
    """
    settings = load_settings()
    try:
        before, one = read_side(settings, old)
        after, other = read_side(settings, new)
    except UnknownRevision as error:
        if not if_known:
            raise
        say(f"contracts were not compared: {error}")
        return
    if one or other:  # one contract's file says nothing about the others
        both = set(before if one else after)
        before = {k: v for k, v in before.items() if k in both}
        after = {k: v for k, v in after.items() if k in both}
    found = compare(before, after)
    if as_json:
        put(json.dumps([_plain(one) for one in found], indent=1))
    else:
        _show(found)
    problems = [d.problem for d in found if d.problem]
    if strict:
        problems += [f"{d.dataset}: {d.advice}" for d in found if d.advice]
    if problems:
        raise ContractError(problems)


def _plain(found: ContractDiff) -> dict[str, object]:
    return {**found.model_dump(mode="json"), "level": found.level.value}


def _show(found: tuple[ContractDiff, ...]) -> None:
    if not found:
        put("no contract differs")
        return
    rows = [
        (d.dataset, _versions(d), change.level.value, change.place, change.message, change.remedy)
        for d in found
        for change in d.changes
    ]
    rows += [
        (d.dataset, _versions(d), "none", "", "only the version", "")
        for d in found
        if not d.changes
    ]
    show_table(("contract", "version", "level", "place", "change", "what to do"), rows)
    broken = sum(d.level is Level.BREAKING for d in found)
    put(f"contracts that differ: {len(found)}; by breaking changes: {broken}")
    for one in found:
        if one.advice:
            say(f"{one.dataset}: {one.advice}")


def _versions(found: ContractDiff) -> str:
    old, new = found.old_version or "none", found.new_version or "none"
    return old if old == new else f"{old} -> {new}"
