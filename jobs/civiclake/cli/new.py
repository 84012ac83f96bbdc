"""``new``: a first contract, guessed from the data and marked for review."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from civiclake.cli.console import put, say
from civiclake.cli.revisions import alone
from civiclake.contracts.city import read_city
from civiclake.contracts.draft.guess import guess
from civiclake.contracts.draft.text import REVIEW, environment_names, key_words, write_contract
from civiclake.errors import ContractError, UserError
from civiclake.io import samples
from civiclake.io.samples.asked import ROWS, Asked
from civiclake.settings import Settings, load_settings

_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("new")(new)


def new(
    dataset: Annotated[str, typer.Argument(help="<department>.<dataset>, such as parks.trees")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="postgresql://host:port/database/schema.table (who asks stands in PGUSER and"
            " PGPASSWORD); mysql://host:port/database/table, MariaDB too (MYSQL_USER, MYSQL_PWD);"
            " http(s)://host/path that answers with JSON (a bearer's token, if one is needed, in"
            " CIVICLAKE_NEW_TOKEN); or the path of a file: .csv, .tsv, .txt, .json, .jsonl,"
            " .ndjson, .geojson, .xml, .xlsx or .parquet, each also with .gz or in a .zip",
        ),
    ],
    owner: Annotated[
        str, typer.Option(help="address of who answers for the data")
    ] = "owner@example.org",
    rows: Annotated[int, typer.Option(help="how many rows to look at at most", min=1)] = ROWS,
    encoding: Annotated[
        str | None, typer.Option(help="of a file's text, where it can't be told: windows-1252")
    ] = None,
    member: Annotated[
        str | None, typer.Option(help="which file of a zip is meant, if there are several")
    ] = None,
    force: Annotated[bool, typer.Option(help="write over a contract that is there")] = False,
) -> None:
    """Look at a source and write a first contract that passes `civiclake check`.

    Types, key, emptiness, codes, what tells when a row changed, and what seems to identify a
    person (which is restricted at once) are guessed from all rows, or the first 200,000; so are
    texts that mean no value, where in a file or an answer the records are, how a file is encoded
    and named, and how an endpoint pages. Every guess is marked
    `review:` in a description: go through them, then raise the version to 1.0.0 and the status to
    active.
    """
    settings = load_settings()
    if not _ID.fullmatch(dataset):
        raise UserError(
            f"{dataset!r} is no id of a dataset; allowed is <department>.<dataset> in small"
            " letters, digits and underscores, such as parks.trees"
        )
    department, _, name = dataset.partition(".")
    target = settings.schemas_dir / department / f"{name}.yaml"
    if target.exists() and not force:
        raise UserError(f"{target} is there already; --force writes over it")
    sample = samples.take(source, department, Asked(rows, encoding, member))
    guessed = guess(sample)
    text = write_contract(dataset, sample, guessed, owner)
    _refuse_unsound(settings, text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    put(str(target))
    say(f"guessed from {sample.seen}; {text.count(REVIEW)} places say `{REVIEW}`")
    say(f"key: {key_words(guessed)}")
    wanted = environment_names(sample.server)
    if wanted:
        say(f"to read it every night, these must be set: {', '.join(wanted)}")
    say("then: bin/civiclake check")


def _refuse_unsound(settings: Settings, text: str) -> None:
    """Nothing is written that the check would refuse."""
    with tempfile.TemporaryDirectory(prefix="civiclake-new-") as made:
        file = Path(made) / "contract.yaml"
        file.write_text(text, encoding="utf-8")
        with alone(settings, file) as schemas:
            problems = read_city(
                schemas, schemas / "no-suites", schemas / "no-marts"
            ).faults.problems
    if problems:
        raise ContractError(
            ["the contract guessed from this source would be faulty; report this:", *problems]
        )
