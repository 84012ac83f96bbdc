"""``python -m bench.nightly``: the nightly work measured whole, beside tools that do the same.

CivicLake runs through its own path (contracts, Great Expectations' verdict, quarantine,
accounts, Delta), each peer as its users would write it, all in one run on one machine, in turn.
After each work every engine's tables are read and must be equal. Results go to
``bench/results/summary.json``.

To try the whole of it in a few minutes:

    python -m bench.nightly --rows 20000 --changes 2000 --big-rows 100000 --runs 1 --results /tmp/r
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bench import results
from bench.chosen import among
from bench.installation import installation
from bench.peer import Peer
from bench.product import Product
from bench.round import Round, Sizes
from bench.taps import generate, shape
from civiclake.cli.console import put, say
from civiclake.errors import UserError
from civiclake.settings import project_root

_WARM_ROWS, _WARM_CHANGES = 50_000, 25_000
"""More than the product interprets instead of compiling, so that a warm engine is warm."""
PEERS = {
    "polars": ("polars + delta-rs", "polars_delta"),
    "duckdb": ("duckdb + delta-rs", "duckdb_delta"),
    "dlt": ("dlt", "dlt_delta"),
    "pyspark": ("PySpark + Delta by hand", "pyspark_delta"),
}
"""By the word for ``--engines``: the name in the results, and the program."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command(help=__doc__)
def main(
    rows: Annotated[int, typer.Option(help="records of the first load")] = 5_000_000,
    changes: Annotated[int, typer.Option(help="records of the night that is merged")] = 500_000,
    big_rows: Annotated[
        int, typer.Option(help="rows of the large table; 0 leaves that work out")
    ] = 50_000_000,
    middling: Annotated[
        str, typer.Option(help="rows of further first loads, by commas")
    ] = "107117,336776",
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="checkout of another version, set up, to measure beside; several may be"),
    ] = None,
    runs: Annotated[int, typer.Option(help="repeats of each work; the median is kept")] = 3,
    engines: Annotated[
        str, typer.Option(help="peers to compare with, by commas; civiclake always runs")
    ] = ",".join(PEERS),
    folder: Annotated[
        Path | None, typer.Option(help="where data and lakes are made, and removed afterwards")
    ] = None,
    into: Annotated[
        Path,
        typer.Option(
            "--results",
            help="where summary.json and what is made of it go",
            show_default="bench/results",
        ),
    ] = results.RESULTS,
) -> None:
    """Generate, measure in turn, compare the results, keep the medians."""
    few = tuple(map(int, filter(None, middling.split(","))))
    sizes = Sizes(rows, changes, big_rows, runs, few)
    with _round(folder, among("peer", engines, PEERS), sizes, beside or ()) as whole:
        entries = []
        for cost in whole.costs():  # kept as they come, for the whole takes hours
            entries = results.keep([cost], into / results.SUMMARY.name)
    publish(into)
    put(results.render(entries))
    if whole.failed:
        say("\n".join(whole.failed))
        raise typer.Exit(1)


def publish(into: Path) -> None:
    """Make the tables and the picture from ``summary.json``, and from nothing else."""
    summary = into / results.SUMMARY.name
    entries = json.loads(summary.read_text(encoding="utf-8"))
    page = into / "README.md"
    if page.exists():
        results.write_tables(entries, page)
    if into == results.RESULTS:
        results.write_tables(entries, project_root() / "README.md")
    line = [str(_python("bench")), "-m", "bench.plot", str(summary), str(into / "nightly.svg")]
    subprocess.run(line, check=True, env={**os.environ, "PYTHONPATH": str(project_root())})


@contextmanager
def _round(
    folder: Path | None, names: Sequence[str], sizes: Sizes, beside: Sequence[Path]
) -> Iterator[Round]:
    root = Path(tempfile.mkdtemp(prefix="civiclake-nightly-", dir=folder))
    root.chmod(0o755)  # the analysts' engine is another user
    try:
        _generate(root, sizes)
        data, warm = root / "data", root / "warm"
        peers = [_peer(root, name) for name in names]
        peers += [_floor(root)]
        with ExitStack() as stack:
            settings, env = stack.enter_context(installation(root))
            product = Product(settings, env, data, root / "civiclake")
            former = []
            for checkout in map(Path.resolve, beside):
                own, named = stack.enter_context(installation(root, checkout))
                former.append(Product(own, named, data, root / checkout.name, checkout))
            say("warming the engines up")
            for one in (product, *former):
                one.warm_up(warm)
            yield Round(settings, data, sizes, product, peers, former)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _generate(root: Path, sizes: Sizes) -> None:
    data, warm = root / "data", root / "warm"
    say(f"generating {sizes.rows:,} rows and {sizes.changes:,} changes")
    generate.write_stops(data)
    generate.write_initial(data, sizes.rows, tell=say)
    for few in sizes.middling:
        generate.write_initial(data, few, delivery=generate.first(few))
    generate.write_changes(data, sizes.changes, sizes.rows)
    generate.write_changes(
        data, sizes.changes, sizes.big_rows, reach=sizes.rows, delivery=shape.BIG
    )
    generate.write_stops(warm)
    warm_rows = min(_WARM_ROWS, sizes.rows)
    generate.write_initial(warm, warm_rows)
    generate.write_changes(warm, min(_WARM_CHANGES, sizes.changes), warm_rows)


def _peer(root: Path, name: str) -> Peer:
    title, module = PEERS[name]
    folder, data = root / name, root / "data"
    if name == "pyspark":
        return Peer(
            title, module, _python("spark"), data, folder,
            kinds=("initial", "initial_plain", "changes"),
            warm=root / "warm", wants_deletion_vectors=True,
        )  # fmt: skip
    kinds = ("initial", "initial_plain", "changes") if name == "polars" else ("initial", "changes")
    return Peer(title, module, _python("bench"), data, folder, kinds=kinds)


def _floor(root: Path) -> Peer:
    python, data = _python("bench"), root / "data"
    return Peer("the floor", "floor", python, data, root / "floor", kinds=("parse", "write"))


def _python(environment: str) -> Path:
    found = project_root() / "var" / "env" / environment / "bin" / "python"
    if not found.exists():
        raise UserError(f"var/env/{environment} is missing: run `bin/setup --bench`")
    return found


if __name__ == "__main__":
    app()
